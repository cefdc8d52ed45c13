// SPDX-License-Identifier: Apache-2.0
// MD5, for checksums that a server's commands give (dbHash). Not for security. OpenSSL computes it.
//   Md5 md5; md5.Add(bytes); md5.Add(more); std::string hex = md5.FinishHex();
// Thread rule: one thread at a time.
#pragma once

#include <memory>
#include <string>
#include <string_view>

struct evp_md_ctx_st;

namespace septet {

class Md5 {
 public:
  Md5();
  void Add(std::string_view bytes);
  // The digest in 32 small hexadecimal digits. Once.
  std::string FinishHex();

 private:
  struct Free {
    void operator()(evp_md_ctx_st* context) const;
  };
  std::unique_ptr<evp_md_ctx_st, Free> context_;
};

}  // namespace septet
