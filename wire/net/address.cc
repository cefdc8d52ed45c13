// SPDX-License-Identifier: Apache-2.0
#include "wire/net/address.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <charconv>
#include <cstddef>
#include <cstring>
#include <memory>

#include "base/strings.h"

namespace septet::wire {
namespace {

Status Malformed(std::string_view text) {
  return Error(ErrorCode::kFailedToParse, StrCat("Not a host and port: \"", text, "\""));
}

bool ParsePort(std::string_view text, int* port) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *port);
  return error == std::errc() && end == text.data() + text.size() && *port > 0 && *port <= 65535;
}

StatusOr<std::vector<SocketAddress>> UnixAddress(const std::string& path) {
  SocketAddress address;
  auto* un = reinterpret_cast<sockaddr_un*>(&address.storage);
  if (path.size() >= sizeof(un->sun_path)) {
    return Error(ErrorCode::kBadValue, StrCat("The path of a Unix socket is too long: ", path));
  }
  un->sun_family = AF_UNIX;
  std::memcpy(un->sun_path, path.data(), path.size());
  address.size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size() + 1);
  return std::vector<SocketAddress>{address};
}

}  // namespace

std::string HostAndPort::ToString() const {
  if (is_unix()) {
    return host;
  }
  const bool brackets = host.find(':') != std::string::npos;
  return brackets ? StrCat('[', host, "]:", port) : StrCat(host, ':', port);
}

StatusOr<HostAndPort> ParseHostAndPort(std::string_view text) {
  HostAndPort result;
  if (text.starts_with('/')) {
    result.host = text;
    return result;
  }
  std::string_view rest = text;
  if (rest.starts_with('[')) {
    const size_t close = rest.find(']');
    if (close == std::string_view::npos) {
      return Malformed(text);
    }
    result.host = rest.substr(1, close - 1);
    rest.remove_prefix(close + 1);
    if (!rest.empty() && rest.front() != ':') {
      return Malformed(text);
    }
  } else {
    const size_t colon = rest.find(':');
    const bool bare_v6 = colon != rest.rfind(':');
    const size_t end = bare_v6 || colon == std::string_view::npos ? rest.size() : colon;
    result.host = rest.substr(0, end);
    rest.remove_prefix(end);
  }
  if (result.host.empty() || (!rest.empty() && !ParsePort(rest.substr(1), &result.port))) {
    return Malformed(text);
  }
  return result;
}

bool SocketAddress::is_loopback() const {
  if (family() == AF_INET) {
    const auto* in = reinterpret_cast<const sockaddr_in*>(&storage);
    return (ntohl(in->sin_addr.s_addr) >> 24) == 127;
  }
  if (family() == AF_INET6) {
    const in6_addr& in6 = reinterpret_cast<const sockaddr_in6*>(&storage)->sin6_addr;
    return IN6_IS_ADDR_LOOPBACK(&in6) || (IN6_IS_ADDR_V4MAPPED(&in6) && in6.s6_addr[12] == 127);
  }
  return family() == AF_UNIX;
}

int SocketAddress::port() const {
  switch (family()) {
    case AF_INET:
      return ntohs(reinterpret_cast<const sockaddr_in*>(&storage)->sin_port);
    case AF_INET6:
      return ntohs(reinterpret_cast<const sockaddr_in6*>(&storage)->sin6_port);
    default:
      return 0;
  }
}

std::string SocketAddress::ToString() const {
  char text[INET6_ADDRSTRLEN] = "";
  if (family() == AF_INET) {
    inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in*>(&storage)->sin_addr, text,
              sizeof(text));
    return StrCat(std::string_view(text), ':', port());
  }
  if (family() == AF_INET6) {
    inet_ntop(AF_INET6, &reinterpret_cast<const sockaddr_in6*>(&storage)->sin6_addr, text,
              sizeof(text));
    return StrCat('[', std::string_view(text), "]:", port());
  }
  const auto* un = reinterpret_cast<const sockaddr_un*>(&storage);
  if (size <= offsetof(sockaddr_un, sun_path) || un->sun_path[0] == '\0') {
    return "anonymous unix socket";
  }
  return un->sun_path;
}

StatusOr<std::vector<SocketAddress>> Resolve(const HostAndPort& host) {
  if (host.is_unix()) {
    return UnixAddress(host.host);
  }
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV;
  addrinfo* list = nullptr;
  const int error =
      getaddrinfo(host.host.c_str(), std::to_string(host.port).c_str(), &hints, &list);
  if (error != 0) {
    return Error(ErrorCode::kHostNotFound,
                 StrCat("Could not resolve ", host.host, ": ", gai_strerror(error)));
  }
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owner(list, &freeaddrinfo);
  std::vector<SocketAddress> result;
  for (const addrinfo* info = list; info != nullptr; info = info->ai_next) {
    SocketAddress address;
    std::memcpy(&address.storage, info->ai_addr, info->ai_addrlen);
    address.size = info->ai_addrlen;
    result.push_back(address);
  }
  return result;
}

SocketAddress LocalAddressOf(int fd) {
  SocketAddress address;
  address.size = sizeof(address.storage);
  if (::getsockname(fd, address.get(), &address.size) != 0) {
    address.size = 0;
  }
  return address;
}

SocketAddress RemoteAddressOf(int fd) {
  SocketAddress address;
  address.size = sizeof(address.storage);
  if (::getpeername(fd, address.get(), &address.size) != 0) {
    address.size = 0;
  }
  return address;
}

}  // namespace septet::wire
