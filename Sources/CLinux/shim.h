// What Linux offers and Swift's Glibc module does not show. Without _GNU_SOURCE, which would change
// the meaning of Glibc's own headers in debug builds: what it hides is declared here.
#pragma once
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sys/auxv.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>

extern int accept4(int, struct sockaddr *__restrict, socklen_t *__restrict, int);
extern int pthread_setname_np(pthread_t, const char *);
extern int __xpg_strerror_r(int, char *, size_t);

enum { LINUX_SOCKET_FLAGS = SOCK_NONBLOCK | SOCK_CLOEXEC };

static inline int linux_stream_socket(int family) {
    return socket(family, SOCK_STREAM | LINUX_SOCKET_FLAGS, 0);
}

static inline int linux_datagram_socket(int family) {
    return socket(family, SOCK_DGRAM | LINUX_SOCKET_FLAGS, 0);
}

static inline int linux_accept(int listener, struct sockaddr_storage *peer, socklen_t *length) {
    return accept4(listener, (struct sockaddr *)peer, length, LINUX_SOCKET_FLAGS);
}

static inline int linux_connect(int socket, const struct sockaddr_storage *peer, socklen_t length) {
    return connect(socket, (const struct sockaddr *)peer, length);
}

static inline int linux_bind(int socket, const struct sockaddr_storage *local, socklen_t length) {
    return bind(socket, (const struct sockaddr *)local, length);
}

static inline int linux_local_address(int socket, struct sockaddr_storage *local, socklen_t *length) {
    return getsockname(socket, (struct sockaddr *)local, length);
}

static inline int linux_set_flag(int socket, int level, int option) {
    int on = 1;
    return setsockopt(socket, level, option, &on, sizeof on);
}

/// The error a socket has kept for us, taken from it.
static inline int linux_socket_error(int socket) {
    int error = 0;
    socklen_t length = sizeof error;
    return getsockopt(socket, SOL_SOCKET, SO_ERROR, &error, &length) == 0 ? error : errno;
}

/// struct ucred, which needs _GNU_SOURCE.
struct linux_credentials {
    pid_t pid;
    uid_t uid;
    gid_t gid;
};

static inline int linux_peer_credentials(int socket, struct linux_credentials *peer) {
    socklen_t length = sizeof *peer;
    return getsockopt(socket, SOL_SOCKET, SO_PEERCRED, peer, &length);
}
