/* Loaded before a peer that does not ask for TCP_NODELAY (LD_PRELOAD): sockets accepted from a listener inherit it. Without
 * it Nagle's algorithm waits 40 ms for an acknowledgement now and then, and the peer looks slower than it is.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

int listen(int fd, int backlog) {
    int (*real)(int, int) = (int (*)(int, int))dlsym(RTLD_NEXT, "listen"), on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on); /* fails on a Unix socket, and nothing is lost */
    return real(fd, backlog);
}
