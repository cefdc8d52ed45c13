// SPDX-License-Identifier: Apache-2.0
// Which "host:port" of a config means this process: its port is ours and its name resolves to an address
// that we listen on. Several servers of one machine may share a port on different addresses.
// Thread rule: thread-safe; asks the resolver and may block.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "wire/net/address.h"

namespace septet::repl {

struct SelfAddresses {
  int port = 0;
  bool all_interfaces = false;       // listens on 0.0.0.0 or ::
  std::vector<std::string> ips;      // else the addresses listened on, as text: "127.0.0.1", "::1"
  std::vector<std::string> names;    // "host:port" this process presents itself as; always itself
};

// An address without its port: "127.0.0.1", "::1".
std::string IpText(const wire::SocketAddress& address);

bool IsThisProcess(std::string_view host_and_port, const SelfAddresses& self);

}  // namespace septet::repl
