// SPDX-License-Identifier: Apache-2.0
// The bytes of one accepted socket. Session knows no other way to the network, so a TLS stream is a
// second class with these functions.
//
// Reading is by completion (the buffer stands ready, no system call is made until data is there);
// writing is tried at once and waits only if the socket is full: measured, docs/PERFORMANCE.
// Thread rule: owned by its I/O thread.
#pragma once

#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <utility>

#include "base/asio.h"

namespace septet::wire {

class PlainStream {
 public:
  // Takes `fd`, a connected, non-blocking socket of `family`.
  PlainStream(asio::io_context* context, int fd, int family) : socket_(context->get_executor()) {
    IoError error;
    socket_.assign(asio::generic::stream_protocol(family, 0), fd, error);
    if (error) {
      ::close(fd);
    }
  }

  bool ok() const { return socket_.is_open(); }

  // `handler(const IoError&, size_t)`, later.
  template <typename Handler>
  void AsyncRead(char* out, size_t n, Handler handler) {
    socket_.async_read_some(asio::buffer(out, n), std::move(handler));
  }
  // `handler(const IoError&)`, later.
  template <typename Handler>
  void AsyncWaitWritable(Handler handler) {
    socket_.async_wait(IoStreamSocket::wait_write, std::move(handler));
  }
  // Bytes taken by the socket, 0 if it is full, -1 if it is broken.
  ptrdiff_t WriteSome(iovec* pieces, int count) {
    const int fd = socket_.native_handle();
    msghdr message{};
    message.msg_iov = pieces;
    message.msg_iovlen = static_cast<size_t>(count);
    const ptrdiff_t n = count == 1 ? ::send(fd, pieces->iov_base, pieces->iov_len, kWriteFlags)
                                   : ::sendmsg(fd, &message, kWriteFlags);
    if (n >= 0) {
      return n;
    }
    return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ? 0 : -1;
  }
  // The pending read completes with operation_aborted.
  void Cancel() {
    IoError ignored;
    socket_.cancel(ignored);
  }
  // Says goodbye so that what was written arrives: closing with unread input would reset the
  // connection and lose it.
  void Finish() {
    const int fd = socket_.native_handle();
    ::shutdown(fd, SHUT_WR);
    char scrap[4096];
    for (int i = 0; i < 16 && ::recv(fd, scrap, sizeof(scrap), MSG_DONTWAIT) > 0; ++i) {
    }
  }
  void Close() {
    IoError ignored;
    socket_.close(ignored);
  }

 private:
  static constexpr int kWriteFlags = MSG_NOSIGNAL | MSG_DONTWAIT;
  IoStreamSocket socket_;
};

}  // namespace septet::wire
