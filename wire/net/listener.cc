// SPDX-License-Identifier: Apache-2.0
#include "wire/net/listener.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/synchronization/notification.h"

#include "base/asio.h"
#include "base/log.h"
#include "base/strings.h"
#include "wire/net/address.h"
#include "wire/net/io_thread_impl.h"

namespace septet::wire {
namespace {

constexpr int kAcceptsPerWake = 64;
// With no file descriptor left, accepting again at once would only spin.
constexpr std::chrono::milliseconds kPauseWithoutDescriptors{100};

Status SystemError(std::string_view what) {
  return Error(ErrorCode::kSocketException, StrCat(what, ": ", std::strerror(errno)));
}

void SetOption(int fd, int level, int name, int value) {
  ::setsockopt(fd, level, name, &value, sizeof(value));
}

void TuneTcp(int fd) {
  SetOption(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  SetOption(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
  SetOption(fd, IPPROTO_TCP, TCP_KEEPIDLE, 120);
  SetOption(fd, IPPROTO_TCP, TCP_KEEPINTVL, 10);
}

ConnectionFacts FactsOf(int fd, int family, int64_t id) {
  const SocketAddress remote = RemoteAddressOf(fd);
  ConnectionFacts facts;
  facts.id = id;
  facts.is_unix = family == AF_UNIX;
  facts.remote = facts.is_unix ? "anonymous unix socket" : remote.ToString();
  facts.local = LocalAddressOf(fd).ToString();
  facts.is_loopback = facts.is_unix || remote.is_loopback();
  facts.accepted_at = std::chrono::system_clock::now();
  return facts;
}

}  // namespace

// One listening socket, served by an I/O thread.
class Listener::Acceptor : public std::enable_shared_from_this<Acceptor> {
 public:
  Acceptor(Listener* owner, IoThread* io, int fd, int family)
      : owner_(owner), io_(io), family_(family), socket_(io->impl().context.get_executor()) {
    IoError ignored;  // a fresh descriptor is taken
    socket_.assign(fd, ignored);
  }

  void Start() {
    io_->Post([self = shared_from_this()] { self->Wait(); });
  }
  // Returns when the socket is closed. Not from an I/O thread.
  void Stop() {
    absl::Notification closed;
    io_->Post([this, &closed] {
      IoError ignored;
      socket_.close(ignored);
      closed.Notify();
    });
    closed.WaitForNotification();
  }

 private:
  void Wait() {
    if (!socket_.is_open()) {
      return;
    }
    socket_.async_wait(IoDescriptor::wait_read, [self = shared_from_this()](const IoError& error) {
      if (!error) {
        self->AcceptSome();
      }
    });
  }

  void AcceptSome() {
    for (int i = 0; i < kAcceptsPerWake; ++i) {
      const int fd =
          ::accept4(socket_.native_handle(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (fd >= 0) {
        owner_->OnAccepted(fd, family_);
        continue;
      }
      if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
        P_LOG(kWarning, kNetwork, 4430, "Could not accept a connection",
              {"error", std::strerror(errno)});
        io_->After(kPauseWithoutDescriptors, [self = shared_from_this()] { self->Wait(); });
        return;
      }
      if (errno == EAGAIN || errno == EWOULDBLOCK) {
        break;
      }
      // A connection that was reset before it was accepted: take the next.
    }
    Wait();
  }

  Listener* const owner_;
  IoThread* const io_;
  const int family_;
  IoDescriptor socket_;
};

Listener::Listener(IoThreads* threads, Handler* handler) : threads_(threads), handler_(handler) {}

Listener::~Listener() {
  Stop();
}

Status Listener::Bind(const ListenerOptions& options) {
  options_ = options;
  port_ = options.port;
  const Status status = BindAll();
  if (!status.ok()) {
    StopAccepting();
  }
  return status;
}

void Listener::Accept() {
  for (const auto& acceptor : acceptors_) {
    acceptor->Start();
  }
}

Status Listener::BindAll() {
  std::set<std::string> bound;
  for (const std::string& ip : options_.bind_ips) {
    RETURN_IF_ERROR(BindTcp(ip, &bound));
  }
  return options_.unix_socket_path.empty() ? OkStatus() : BindUnix();
}

// `bound`: addresses listened on so far; "localhost,127.0.0.1" names one of them twice.
Status Listener::BindTcp(const std::string& ip, std::set<std::string>* bound) {
  ASSIGN_OR_RETURN(const std::vector<SocketAddress> addresses, Resolve({ip, port_}));
  for (const SocketAddress& address : addresses) {
    if (!bound->insert(address.ToString()).second) {
      continue;
    }
    const int fd = ::socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
      return SystemError("Could not create a socket");
    }
    SetOption(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    if (address.family() == AF_INET6) {
      SetOption(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    }
    if (::bind(fd, address.get(), address.size) != 0 || ::listen(fd, options_.backlog) != 0) {
      const Status status = SystemError(StrCat("Could not listen on ", address.ToString()));
      ::close(fd);
      return status;
    }
    port_ = LocalAddressOf(fd).port();
    acceptors_.push_back(std::make_shared<Acceptor>(this, &threads_->at(0), fd, address.family()));
    if (options_.port == 0) {
      break;  // further addresses of the name were resolved for port 0
    }
  }
  return OkStatus();
}

Status Listener::BindUnix() {
  const std::string& path = options_.unix_socket_path;
  ASSIGN_OR_RETURN(const std::vector<SocketAddress> addresses, Resolve({path, 0}));
  // Left by a server that was killed. One that lives holds the TCP port, so we would not be here.
  struct stat info;
  if (::lstat(path.c_str(), &info) == 0 && S_ISSOCK(info.st_mode)) {
    ::unlink(path.c_str());
  }
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) {
    return SystemError("Could not create a socket");
  }
  const bool bound = ::bind(fd, addresses[0].get(), addresses[0].size) == 0;
  unix_bound_ = bound;
  // Nobody can connect before listen, so the mode is in force in time.
  if (!bound || ::chmod(path.c_str(), static_cast<mode_t>(options_.unix_socket_mode)) != 0 ||
      ::listen(fd, options_.backlog) != 0) {
    const Status status = SystemError(StrCat("Could not listen on ", path));
    ::close(fd);
    return status;
  }
  acceptors_.push_back(std::make_shared<Acceptor>(this, &threads_->at(0), fd, AF_UNIX));
  return OkStatus();
}

void Listener::StopAccepting() {
  for (const auto& acceptor : acceptors_) {
    acceptor->Stop();
  }
  acceptors_.clear();
  if (std::exchange(unix_bound_, false)) {
    ::unlink(options_.unix_socket_path.c_str());
  }
}

void Listener::Stop() {
  StopAccepting();
  {
    const absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  for (const auto& connection : Connections()) {
    connection->Close();
  }
  const absl::MutexLock lock(&mutex_);
  mutex_.Await(absl::Condition(
      +[](std::unordered_map<int64_t, std::weak_ptr<Session>>* sessions) {
        return sessions->empty();
      },
      &sessions_));
  stopping_ = false;
}

bool Listener::Admit(int64_t* id) {
  const absl::MutexLock lock(&mutex_);
  if (static_cast<int64_t>(sessions_.size()) >= options_.max_connections) {
    ++rejected_;
    return false;
  }
  *id = ++total_created_;
  sessions_.try_emplace(*id);
  return true;
}

void Listener::OnAccepted(int fd, int family) {
  int64_t id = 0;
  if (!Admit(&id)) {
    P_LOG(kWarning, kNetwork, 4431,
          "Connection refused because there are too many open connections",
          {"remote", RemoteAddressOf(fd).ToString()}, {"limit", options_.max_connections});
    ::close(fd);
    return;
  }
  if (family != AF_UNIX) {
    TuneTcp(fd);
  }
  IoThread& io = threads_->Next();
  io.Post([this, &io, fd, family, id] {
    const auto session = std::make_shared<Session>(static_cast<SessionOwner*>(this), &io, fd,
                                                   family, FactsOf(fd, family, id));
    bool stopping = false;
    {
      const absl::MutexLock lock(&mutex_);
      sessions_[id] = session;
      stopping = stopping_;
    }
    session->Start();
    if (stopping) {
      session->Close();
    }
  });
}

void Listener::OnSessionClosed(int64_t id) {
  const absl::MutexLock lock(&mutex_);
  sessions_.erase(id);
}

ListenerStats Listener::stats() const {
  const absl::MutexLock lock(&mutex_);
  const auto current = static_cast<int64_t>(sessions_.size());
  return {current, options_.max_connections - current, total_created_, rejected_};
}

std::vector<std::shared_ptr<Connection>> Listener::Connections() const {
  std::vector<std::shared_ptr<Connection>> result;
  const absl::MutexLock lock(&mutex_);
  result.reserve(sessions_.size());
  for (const auto& [id, weak] : sessions_) {
    if (std::shared_ptr<Session> session = weak.lock()) {
      result.push_back(std::move(session));
    }
  }
  return result;
}

std::shared_ptr<Connection> Listener::Find(int64_t id) const {
  const absl::MutexLock lock(&mutex_);
  const auto it = sessions_.find(id);
  return it == sessions_.end() ? nullptr : it->second.lock();
}

}  // namespace septet::wire
