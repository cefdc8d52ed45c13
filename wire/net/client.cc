// SPDX-License-Identifier: Apache-2.0
#include "wire/net/client.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>
#include <utility>

#include "bson/builder.h"

#include "base/strings.h"
#include "wire/codec/parse.h"
#include "wire/codec/serialize.h"

namespace septet::wire {
namespace {

using Clock = std::chrono::steady_clock;

// Huge durations mean "no deadline"; adding them to the clock would overflow.
Clock::time_point DeadlineIn(Client::Duration timeout) {
  constexpr std::chrono::hours kLongest{24 * 365};
  return Clock::now() + std::min<Client::Duration>(timeout, kLongest);
}

bool WouldBlock(int error) {
  return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
}

}  // namespace

Client::~Client() {
  if (fd_ >= 0) {
    ::close(fd_);
  }
}

void Client::Close() {
  const absl::MutexLock lock(&mutex_);
  closed_ = true;
  usable_.store(false, std::memory_order_relaxed);
  if (fd_ >= 0) {
    ::shutdown(fd_, SHUT_RDWR);  // wakes the owner's poll; only the owner closes the descriptor
  }
}

std::string Client::LocalAddress() const {
  return LocalAddressOf(fd_).ToString();
}

Status Client::Broken(ErrorCode code, std::string_view text) {
  const absl::MutexLock lock(&mutex_);
  usable_.store(false, std::memory_order_relaxed);
  if (fd_ >= 0) {
    ::shutdown(fd_, SHUT_RDWR);
  }
  if (closed_) {
    return Error(ErrorCode::kCallbackCanceled,
                 StrCat("The connection to ", host_.ToString(), " was closed"));
  }
  return Error(code, StrCat(text, " (", host_.ToString(), ')'));
}

Status Client::Connect(const HostAndPort& host, Duration timeout) {
  host_ = host;
  const Deadline deadline = DeadlineIn(timeout);
  ASSIGN_OR_RETURN(const std::vector<SocketAddress> addresses, Resolve(host));
  Status status = Error(ErrorCode::kHostNotFound, "The name has no address");
  for (const SocketAddress& address : addresses) {
    status = ConnectTo(address, deadline);
    if (status.ok() || CodeOf(status) == ErrorCode::kCallbackCanceled) {
      break;
    }
  }
  return status;
}

Status Client::ConnectTo(const SocketAddress& address, Deadline deadline) {
  {
    const absl::MutexLock lock(&mutex_);
    if (closed_) {
      return Error(ErrorCode::kCallbackCanceled, "The connection was closed before it was open");
    }
    if (fd_ >= 0) {
      ::close(fd_);
    }
    fd_ = ::socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  }
  if (fd_ < 0) {
    return Broken(ErrorCode::kSocketException, std::strerror(errno));
  }
  if (::connect(fd_, address.get(), address.size) != 0) {
    if (errno != EINPROGRESS) {
      return Broken(ErrorCode::kHostUnreachable,
                    StrCat("Error connecting: ", std::strerror(errno)));
    }
    RETURN_IF_ERROR(WaitFor(POLLOUT, deadline));
    int error = 0;
    socklen_t size = sizeof(error);
    ::getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0) {
      return Broken(ErrorCode::kHostUnreachable,
                    StrCat("Error connecting: ", std::strerror(error)));
    }
  }
  if (address.family() != AF_UNIX) {
    const int on = 1;
    ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    ::setsockopt(fd_, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
  }
  const absl::MutexLock lock(&mutex_);
  if (closed_) {
    return Error(ErrorCode::kCallbackCanceled, "The connection was closed while it was opened");
  }
  usable_.store(true, std::memory_order_relaxed);
  return OkStatus();
}

Status Client::WaitFor(short events, Deadline deadline) {  // NOLINT(google-runtime-int)
  while (true) {
    const auto left = std::chrono::ceil<Duration>(deadline - Clock::now()).count();
    if (left <= 0) {
      return Broken(ErrorCode::kNetworkTimeout, "The peer did not answer in time");
    }
    pollfd poll_fd{fd_, events, 0};
    const int n = ::poll(&poll_fd, 1, static_cast<int>(std::min<int64_t>(left, INT_MAX)));
    if (n > 0) {
      return OkStatus();
    }
    if (n < 0 && errno != EINTR) {
      return Broken(ErrorCode::kSocketException, std::strerror(errno));
    }
  }
}

Status Client::WriteAll(std::string_view bytes, Deadline deadline) {
  while (!bytes.empty()) {
    const ssize_t n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n >= 0) {
      bytes.remove_prefix(static_cast<size_t>(n));
    } else if (WouldBlock(errno)) {
      RETURN_IF_ERROR(WaitFor(POLLOUT, deadline));
    } else {
      return Broken(ErrorCode::kSocketException, StrCat("Sending failed: ", std::strerror(errno)));
    }
  }
  return OkStatus();
}

Status Client::ReadAll(char* out, size_t n, Deadline deadline) {
  while (n > 0) {
    const ssize_t got = ::recv(fd_, out, n, 0);
    if (got > 0) {
      out += got;
      n -= static_cast<size_t>(got);
    } else if (got == 0) {
      return Broken(ErrorCode::kSocketException, "The connection was closed by the peer");
    } else if (WouldBlock(errno)) {
      RETURN_IF_ERROR(WaitFor(POLLIN, deadline));
    } else {
      return Broken(ErrorCode::kSocketException,
                    StrCat("Receiving failed: ", std::strerror(errno)));
    }
  }
  return OkStatus();
}

StatusOr<int32_t> Client::Send(uint32_t flags, bson::DocView body,
                               std::span<const DocumentSequence> sequences, Duration timeout) {
  if (!usable()) {
    return Broken(ErrorCode::kSocketException, "The connection is of no more use");
  }
  const int32_t id = ++last_id_;
  const std::string message = SerializeMsg({id, 0}, flags, body, sequences);
  RETURN_IF_ERROR(WriteAll(message, DeadlineIn(timeout)));
  return id;
}

StatusOr<Received> Client::Receive(Duration timeout) {
  return ReceiveBy(DeadlineIn(timeout));
}

StatusOr<Received> Client::ReceiveBy(Deadline deadline) {
  if (!usable()) {
    return Broken(ErrorCode::kSocketException, "The connection is of no more use");
  }
  char header[kHeaderBytes];
  RETURN_IF_ERROR(ReadAll(header, sizeof(header), deadline));
  const int32_t length = DecodeHeader(header).message_length;
  if (!IsAcceptableLength(length)) {
    return Broken(ErrorCode::kProtocolError, StrCat("Invalid length of a reply: ", length));
  }
  const auto size = static_cast<size_t>(length);
  Received received;
  received.bytes.reset(new char[size]);
  std::memcpy(received.bytes.get(), header, kHeaderBytes);
  RETURN_IF_ERROR(ReadAll(received.bytes.get() + kHeaderBytes, size - kHeaderBytes, deadline));
  ParseResult result = Parse({received.bytes.get(), size});
  if (!result.status.ok()) {
    return Broken(CodeOf(result.status), StrCat("Invalid reply: ", TextOf(result.status)));
  }
  OpMsg* const msg = std::get_if<OpMsg>(&result.message);
  if (msg == nullptr) {
    return Broken(ErrorCode::kProtocolError, "The reply is no OP_MSG");
  }
  received.header = result.header;
  received.msg = std::move(*msg);
  return received;
}

StatusOr<std::string> Client::RunCommand(std::string_view db, bson::DocView command,
                                         Duration timeout) {
  const Deadline deadline = DeadlineIn(timeout);
  bson::DocBuilder body;
  body.AppendAll(command).Append("$db", db);
  const std::string bytes = body.Finish();
  ASSIGN_OR_RETURN(const int32_t id, Send(0, bson::DocView(bytes), {}, timeout));
  ASSIGN_OR_RETURN(const Received reply, ReceiveBy(deadline));
  if (reply.header.response_to != id) {
    return Broken(ErrorCode::kProtocolError,
                  StrCat("A reply to request ", reply.header.response_to, " instead of ", id));
  }
  return reply.msg.body.ToBytes();
}

Status StatusOfReply(bson::DocView reply) {
  if (reply.Find("ok").Truthy()) {
    return OkStatus();
  }
  const bson::ValueView code = reply.Find("code");
  const bson::ValueView text = reply.Find("errmsg");
  const bool has_code = code.type() == bson::Type::kInt32 && code.AsInt32() != 0;
  return Error(has_code ? static_cast<ErrorCode>(code.AsInt32()) : ErrorCode::kUnknownError,
               text.is_string() ? text.AsString() : std::string_view("The command failed"));
}

}  // namespace septet::wire
