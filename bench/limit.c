/* The limit row: the least that any server of this kind must do. One epoll loop that reads what came and writes each
 * batch to every member, without parsing. With a file it stores and syncs each batch before anybody sees it.
 *
 *   limit [FILE]        listens on a free port of 127.0.0.1 and says which on its first line
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MEMBERS = 65536, READ = 65536, EVENTS = 1024 };

struct member { int alive; char *left; size_t size; }; /* what the kernel did not take yet */

static struct member members[MEMBERS];
static int places[MEMBERS], count, poller; /* descriptors of all members, side by side */
static char *batch;
static size_t used, room;

static void leave(int fd) {
    if (!members[fd].alive) return;
    for (int i = 0; i < count; i++)
        if (places[i] == fd) { places[i] = places[--count]; break; }
    free(members[fd].left);
    memset(&members[fd], 0, sizeof members[fd]);
    close(fd);
}

static void want(int fd, unsigned events) {
    struct epoll_event event = {.events = events, .data.fd = fd};
    epoll_ctl(poller, EPOLL_CTL_MOD, fd, &event);
}

static void keep(int fd, const char *rest, size_t size) {
    struct member *m = &members[fd];
    m->left = realloc(m->left, m->size + size);
    memcpy(m->left + m->size, rest, size);
    if (!m->size) want(fd, EPOLLIN | EPOLLOUT);
    m->size += size;
}

static void tell(int fd) {
    ssize_t sent = members[fd].size ? 0 : send(fd, batch, used, MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN) return; /* the next read says that it left */
    if (sent < 0) sent = 0;
    if ((size_t)sent < used) keep(fd, batch + sent, used - sent);
}

static void drain(int fd) {
    struct member *m = &members[fd];
    ssize_t sent = send(fd, m->left, m->size, MSG_NOSIGNAL);
    if (sent <= 0) return;
    m->size -= sent;
    memmove(m->left, m->left + sent, m->size);
    if (!m->size) want(fd, EPOLLIN);
}

static void hear(int fd) {
    if (room - used < READ) batch = realloc(batch, room += READ * 16);
    ssize_t got = recv(fd, batch + used, READ, 0);
    if (got > 0) used += got;
    else if (got == 0 || errno != EAGAIN) leave(fd);
}

static void welcome(int listener) {
    int fd, on = 1;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
        epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event);
        members[fd].alive = 1;
        places[count++] = fd;
    }
}

static int listen_anywhere(void) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (bind(fd, (struct sockaddr *)&address, size) || listen(fd, 4096)) { perror("listen"); exit(1); }
    getsockname(fd, (struct sockaddr *)&address, &size);
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    return fd;
}

int main(int argc, char **argv) {
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    int store = argc > 1 ? open(argv[1], O_WRONLY | O_CREAT | O_APPEND, 0600) : -1;
    int listener = listen_anywhere();
    poller = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN, .data.fd = listener}, ready[EVENTS];
    epoll_ctl(poller, EPOLL_CTL_ADD, listener, &event);
    for (;;) {
        int n = epoll_wait(poller, ready, EVENTS, -1);
        used = 0;
        for (int i = 0; i < n; i++) {
            int fd = ready[i].data.fd;
            if (fd == listener) { welcome(fd); continue; }
            if (ready[i].events & EPOLLOUT) drain(fd);
            if (ready[i].events & ~EPOLLOUT) hear(fd);
        }
        if (!used) continue;
        if (store >= 0 && (write(store, batch, used) < 0 || fdatasync(store))) { perror("store"); return 1; }
        for (int i = 0; i < count; i++) tell(places[i]);
    }
}
