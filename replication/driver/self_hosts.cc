// SPDX-License-Identifier: Apache-2.0
#include "replication/driver/self_hosts.h"

#include <ifaddrs.h>
#include <netinet/in.h>

#include <algorithm>
#include <cstring>


namespace septet::repl {
namespace {

// Does an interface of this machine have the address?
bool IsLocalAddress(const wire::SocketAddress& address) {
  if (address.is_loopback()) {
    return true;
  }
  ifaddrs* list = nullptr;
  if (getifaddrs(&list) != 0) {
    return false;
  }
  bool found = false;
  for (const ifaddrs* at = list; at != nullptr && !found; at = at->ifa_next) {
    if (at->ifa_addr == nullptr || at->ifa_addr->sa_family != address.family()) {
      continue;
    }
    if (address.family() == AF_INET) {
      const auto* a = reinterpret_cast<const sockaddr_in*>(at->ifa_addr);
      const auto* b = reinterpret_cast<const sockaddr_in*>(address.get());
      found = a->sin_addr.s_addr == b->sin_addr.s_addr;
    } else if (address.family() == AF_INET6) {
      const auto* a = reinterpret_cast<const sockaddr_in6*>(at->ifa_addr);
      const auto* b = reinterpret_cast<const sockaddr_in6*>(address.get());
      found = std::memcmp(&a->sin6_addr, &b->sin6_addr, sizeof(a->sin6_addr)) == 0;
    }
  }
  freeifaddrs(list);
  return found;
}

}  // namespace

std::string IpText(const wire::SocketAddress& address) {
  std::string text = address.ToString();
  text.resize(text.rfind(':'));
  if (text.starts_with('[')) {
    text = text.substr(1, text.size() - 2);
  }
  return text;
}

bool IsThisProcess(std::string_view host_and_port, const SelfAddresses& self) {
  if (std::find(self.names.begin(), self.names.end(), host_and_port) != self.names.end()) {
    return true;
  }
  const StatusOr<wire::HostAndPort> host = wire::ParseHostAndPort(host_and_port);
  if (!host.ok() || host->port != self.port) {
    return false;
  }
  const StatusOr<std::vector<wire::SocketAddress>> addresses = wire::Resolve(*host);
  return addresses.ok() &&
         std::any_of(addresses->begin(), addresses->end(), [&self](const wire::SocketAddress& a) {
           if (self.all_interfaces) {
             return IsLocalAddress(a);
           }
           return std::find(self.ips.begin(), self.ips.end(), IpText(a)) != self.ips.end();
         });
}

}  // namespace septet::repl
