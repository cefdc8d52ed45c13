// SPDX-License-Identifier: Apache-2.0
// "host:port" and socket addresses as text.
// Thread rule: pure functions; Resolve asks the system's resolver and may block.
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace septet::wire {

inline constexpr int kDefaultPort = 27017;

struct HostAndPort {
  std::string host;  // a name, 127.0.0.1, ::1 (without brackets), or the path of a Unix socket
  int port = kDefaultPort;

  bool is_unix() const { return !host.empty() && host.front() == '/'; }
  // "[::1]:27017" where the host needs brackets; a Unix socket's path alone.
  std::string ToString() const;
  bool operator==(const HostAndPort&) const = default;
};

// "name", "name:27018", "127.0.0.1:1", "[::1]:1", "::1", "/path/to.sock". Error: FailedToParse.
StatusOr<HostAndPort> ParseHostAndPort(std::string_view text);

// A socket address of any family.
struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;

  int family() const { return storage.ss_family; }
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
  // 127.0.0.0/8, ::1 (also as a mapped IPv4 address), a Unix socket.
  bool is_loopback() const;
  // 0 for a Unix socket.
  int port() const;
  // "127.0.0.1:1", "[::1]:1", "/path", "anonymous unix socket".
  std::string ToString() const;
};

// Addresses to try, in order. Errors: HostNotFound; BadValue for a path that is too long.
StatusOr<std::vector<SocketAddress>> Resolve(const HostAndPort& host);

// The two ends of a connected socket.
SocketAddress LocalAddressOf(int fd);
SocketAddress RemoteAddressOf(int fd);

}  // namespace septet::wire
