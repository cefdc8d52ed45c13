// SPDX-License-Identifier: Apache-2.0
#include "base/md5.h"

#include <gtest/gtest.h>

namespace septet {
namespace {

std::string HashOf(std::string_view bytes) {
  Md5 md5;
  md5.Add(bytes);
  return md5.FinishHex();
}

// The test suite of RFC 1321, A.5.
TEST(Md5Test, Rfc1321Suite) {
  EXPECT_EQ(HashOf(""), "d41d8cd98f00b204e9800998ecf8427e");
  EXPECT_EQ(HashOf("a"), "0cc175b9c0f1b6a831c399e269772661");
  EXPECT_EQ(HashOf("abc"), "900150983cd24fb0d6963f7d28e17f72");
  EXPECT_EQ(HashOf("message digest"), "f96b697d7cb7938d525a2f31aaf161d0");
  EXPECT_EQ(HashOf("abcdefghijklmnopqrstuvwxyz"), "c3fcd3d76192e4007dfb496cca67e13b");
  EXPECT_EQ(HashOf("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"),
            "d174ab98d277d9f5a5611c2c9f419d9f");
  EXPECT_EQ(HashOf("12345678901234567890123456789012345678901234567890123456789012345678901234567890"),
            "57edf4a22be3c955ac49da2e2107b67a");
}

TEST(Md5Test, PiecesMakeTheSameAsTheWhole) {
  std::string text;
  for (int i = 0; i < 300; ++i) {
    text += static_cast<char>('a' + i % 26);
  }
  Md5 md5;
  for (size_t at = 0, n = 1; at < text.size(); at += n, n = n * 2 + 1) {
    md5.Add(std::string_view(text).substr(at, n));
  }
  EXPECT_EQ(md5.FinishHex(), HashOf(text));
}

}  // namespace
}  // namespace septet
