/* The load generator: speaks on connections that were opened and logged in before (bench/crowd.py), and counts.
 *
 * It knows no protocol. A line it says is HEAD [number] MIDDLE payload TAIL; the payload begins with MARK, which occurs
 * nowhere else on these connections (an IRC user's prefix can hold '~'; more lines heard than said ends the run), and
 * sixteen digits: the moment of saying, in nanoseconds. What comes back is
 * counted by its MARK. A group of connections (a room) has outstanding at most `window` lines for each of its senders:
 * lines that were said and that not every listening member has. It spins: it has a core of its own.
 *
 * Standard input: "seconds warm window rate payload", then a line for each connection:
 *   fd group flags head middle tail       flags: 1 listens and is waited for, 2 says, 4 lines are numbered; texts in hex
 * rate 0: as fast as the window allows (burst); otherwise so many lines a second in all, whatever comes back, each
 * stamped with the moment at which it was due. Standard output: "begin", then "end", then the figures as JSON.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>

#define MARK '^'
enum { STAMP = 16, BUFFER = 1 << 17, EVENTS = 1024, PAYLOAD = 4096 };
#define STALLED 20000000000ll /* ns without any delivery */

struct text { char *bytes; int size; };
struct connection {
    int fd, group, flags, carried;
    uint64_t got;
    char carry[STAMP + 1];
    struct text head, middle, tail;
    char *out;
    size_t left, at;
    uint64_t number;
};
struct group { int *listeners, listening, *senders, saying, turn, heard; uint64_t sent, floor; };

static struct connection *connections;
static struct group *groups, **hearing; /* the latter heard something since they were refilled */
static int count, group_count, hearing_count, poller, window, payload;
static double rate;
static uint64_t delivered, bytes, said;
static uint32_t *delays; /* units of 100 ns */
static size_t delay_count, delay_room;
static char buffer[BUFFER];
static int timing;

static int64_t now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000ll + t.tv_nsec;
}

static void fail(const char *what) {
    printf("failed %s\n", what);
    exit(1);
}

static struct text text(const char *hex) {
    struct text t = {malloc(strlen(hex) / 2 + 1), (int)strlen(hex) / 2};
    if (!strcmp(hex, "-")) t.size = 0;
    for (int i = 0; i < t.size; i++) sscanf(hex + 2 * i, "%2hhx", (unsigned char *)&t.bytes[i]);
    return t;
}

static void read_orders(double *seconds, double *warm) {
    static char head[16384], middle[16384], tail[16384];
    int room = 1024, fd, group, flags;
    connections = calloc(room, sizeof *connections);
    if (scanf("%lf %lf %d %lf %d", seconds, warm, &window, &rate, &payload) != 5) fail("orders");
    if (payload < STAMP + 1 || payload > PAYLOAD) fail("payload");
    while (scanf("%d %d %d %16383s %16383s %16383s", &fd, &group, &flags, head, middle, tail) == 6) {
        if (count == room) connections = realloc(connections, (room *= 2) * sizeof *connections);
        struct connection *c = memset(&connections[count++], 0, sizeof *c);
        c->fd = fd, c->group = group, c->flags = flags;
        c->head = text(head), c->middle = text(middle), c->tail = text(tail);
        if (group >= group_count) group_count = group + 1;
    }
    groups = calloc(group_count, sizeof *groups);
    hearing = calloc(group_count, sizeof *hearing);
    for (int i = 0; i < count; i++) {
        struct group *g = &groups[connections[i].group];
        g->listeners = realloc(g->listeners, (g->listening + 1) * sizeof(int));
        g->senders = realloc(g->senders, (g->saying + 1) * sizeof(int));
        if (connections[i].flags & 1) g->listeners[g->listening++] = i;
        if (connections[i].flags & 2) g->senders[g->saying++] = i;
    }
}

static void note(int64_t delay) {
    if (delay_count == delay_room) delays = realloc(delays, (delay_room = delay_room * 2 + 65536) * sizeof *delays);
    delays[delay_count++] = delay < 0 ? 0 : delay / 100 > UINT32_MAX ? UINT32_MAX : delay / 100;
}

/* The stamps of a paced run; one may be split between two reads. */
static void read_stamps(struct connection *c, char *data, size_t size, int64_t moment) {
    char *p = data, *end = data + size;
    if (c->carried) {
        int need = STAMP + 1 - c->carried, have = size < (size_t)need ? (int)size : need;
        memcpy(c->carry + c->carried, p, have);
        p += have;
        if ((c->carried += have) <= STAMP) return;
        char digits[STAMP + 1] = {0};
        memcpy(digits, c->carry + 1, STAMP);
        if (timing) note(moment - atoll(digits));
        c->carried = 0;
    }
    while ((p = memchr(p, MARK, end - p))) {
        if (end - p <= STAMP) {
            c->carried = end - p;
            memcpy(c->carry, p, c->carried);
            return;
        }
        char digits[STAMP + 1] = {0};
        memcpy(digits, p + 1, STAMP);
        if (timing) note(moment - atoll(digits));
        p += STAMP + 1;
    }
}

static void hear(struct connection *c) {
    ssize_t size = recv(c->fd, buffer, BUFFER, 0);
    if (size < 0 && errno == EAGAIN) return;
    if (size <= 0) fail("a member was disconnected");
    struct group *g = &groups[c->group];
    if (!g->heard) g->heard = 1, hearing[hearing_count++] = g;
    uint64_t lines = 0;
    for (ssize_t i = 0; i < size; i++) lines += buffer[i] == MARK; /* the compiler makes vectors of it */
    c->got += lines;
    if (c->got > g->sent) fail("heard more lines than were said: something else holds the mark");
    delivered += lines;
    bytes += size;
    if (rate > 0) read_stamps(c, buffer, size, now());
}

static void flush(struct connection *c) {
    while (c->left) {
        ssize_t sent = send(c->fd, c->out + c->at, c->left, MSG_NOSIGNAL);
        if (sent < 0 && errno == EAGAIN) return;
        if (sent < 0) fail("a sender was disconnected");
        c->at += sent;
        c->left -= sent;
    }
    c->at = 0;
}

static void say(struct connection *c, int lines, int64_t moment) {
    size_t each = c->head.size + c->middle.size + c->tail.size + payload + 24;
    c->out = realloc(c->out, c->at + c->left + lines * each);
    char *p = c->out + c->at + c->left, *start = p;
    for (int i = 0; i < lines; i++) {
        p = mempcpy(p, c->head.bytes, c->head.size);
        if (c->flags & 4) p += sprintf(p, "%llu", (unsigned long long)++c->number);
        p = mempcpy(p, c->middle.bytes, c->middle.size);
        p += sprintf(p, "%c%016lld", MARK, (long long)(moment % 10000000000000000ll));
        memset(p, 'x', payload - STAMP - 1);
        p = mempcpy(p + payload - STAMP - 1, c->tail.bytes, c->tail.size);
    }
    c->left += p - start;
    said += lines;
    groups[c->group].sent += lines;
    flush(c);
}

static void refill(struct group *g, int64_t moment) {
    g->heard = 0;
    uint64_t floor = UINT64_MAX;
    for (int i = 0; i < g->listening; i++) {
        uint64_t got = connections[g->listeners[i]].got;
        if (got <= g->floor) return; /* somebody has nothing new: no place in the window */
        if (got < floor) floor = got;
    }
    g->floor = floor;
    int each = (int)(window - (g->sent - floor) / g->saying);
    for (int i = 0; each > 0 && i < g->saying; i++) {
        struct connection *c = &connections[g->senders[i]];
        if (!c->left) say(c, each, moment);
    }
}

static int by_size(const void *a, const void *b) {
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static double share(double part) { /* milliseconds */
    return delay_count ? delays[(size_t)(part * (delay_count - 1))] / 10000.0 : 0;
}

int main(void) {
    double seconds, warm;
    read_orders(&seconds, &warm);
    poller = epoll_create1(0);
    for (int i = 0; i < count; i++) {
        struct epoll_event event = {.events = EPOLLIN, .data.u32 = i};
        if (epoll_ctl(poller, EPOLL_CTL_ADD, connections[i].fd, &event)) fail("epoll_ctl");
    }
    struct epoll_event ready[EVENTS];
    int64_t moment = now(), begin = moment + (int64_t)(warm * 1e9), end = INT64_MAX;
    int64_t begun = 0, last_heard = moment, due = moment, idle = 0;
    uint64_t delivered0 = 0, bytes0 = 0, said0 = 0, heard = 0;
    for (int i = 0; rate <= 0 && i < group_count; i++)
        for (int j = 0; j < groups[i].saying; j++) say(&connections[groups[i].senders[j]], window, moment);
    int turn = 0, done = 0;
    int64_t stop = end;
    for (;;) {
        int n = epoll_wait(poller, ready, EVENTS, 0);
        int64_t after = now();
        if (begun && !n) idle += after - moment;
        moment = after;
        if (!begun && moment >= begin) {
            begun = moment, delivered0 = delivered, bytes0 = bytes, said0 = said, timing = 1;
            end = begun + (int64_t)(seconds * 1e9); /* from here, as we may have been held up on the way */
            printf("begin\n"), fflush(stdout);
        }
        if (!done && moment >= end) {
            if (rate > 0) { /* what is on its way still counts */
                if (delay_count && moment > end + 1000000000ll) done = 1;
            } else if (delivered != delivered0) done = 1; /* a short time in which nothing came tells nothing */
            if (done) { stop = rate > 0 ? end : moment; break; }
        }
        for (int i = 0; i < n; i++) {
            struct connection *c = &connections[ready[i].data.u32];
            hear(c);
            if (c->left) flush(c);
        }
        if (delivered != heard) heard = delivered, last_heard = moment;
        else if (moment - last_heard > STALLED) fail("nothing was delivered any more");
        if (rate <= 0) {
            while (hearing_count) refill(hearing[--hearing_count], moment);
            continue;
        }
        while (due <= moment && due < end) {
            struct group *g = &groups[turn++ % group_count];
            say(&connections[g->senders[g->turn++ % g->saying]], 1, due);
            due += (int64_t)(1e9 / rate);
        }
    }
    printf("end\n"), fflush(stdout);
    qsort(delays, delay_count, sizeof *delays, by_size);
    double took = (stop - begun) / 1e9;
    printf("{\"seconds\": %.6f, \"said\": %llu, \"delivered\": %llu, \"bytes\": %llu, \"idle\": %.4f, "
           "\"delays\": %zu, \"p50\": %.4f, \"p99\": %.4f, \"p999\": %.4f, \"longest\": %.4f}\n",
           took, (unsigned long long)(said - said0), (unsigned long long)(delivered - delivered0),
           (unsigned long long)(bytes - bytes0), idle / 1e9 / took, delay_count, share(0.5), share(0.99),
           share(0.999), share(1.0));
    return 0;
}
