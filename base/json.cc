// SPDX-License-Identifier: Apache-2.0
#include "base/json.h"

#include <cmath>
#include <cstdio>

#include "base/strings.h"

namespace septet {
namespace {

// Length of the well-formed UTF-8 sequence at the start of `s`, 0 if there is none.
size_t Utf8Length(std::string_view s) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(s[i]); };
  const auto follows = [&](size_t i) { return i < s.size() && (byte(i) & 0xC0) == 0x80; };
  const unsigned char lead = byte(0);
  if (lead < 0x80) {
    return 1;
  }
  if (lead >= 0xC2 && lead <= 0xDF) {
    return follows(1) ? 2 : 0;
  }
  if (lead >= 0xE0 && lead <= 0xEF) {
    if (!follows(1) || !follows(2) || (lead == 0xE0 && byte(1) < 0xA0) ||
        (lead == 0xED && byte(1) > 0x9F)) {
      return 0;
    }
    return 3;
  }
  if (lead >= 0xF0 && lead <= 0xF4) {
    if (!follows(1) || !follows(2) || !follows(3) || (lead == 0xF0 && byte(1) < 0x90) ||
        (lead == 0xF4 && byte(1) > 0x8F)) {
      return 0;
    }
    return 4;
  }
  return 0;
}

void AppendEscaped(std::string* out, char c) {
  switch (c) {
    case '"': out->append("\\\""); return;
    case '\\': out->append("\\\\"); return;
    case '\b': out->append("\\b"); return;
    case '\f': out->append("\\f"); return;
    case '\n': out->append("\\n"); return;
    case '\r': out->append("\\r"); return;
    case '\t': out->append("\\t"); return;
    default: break;
  }
  if (static_cast<unsigned char>(c) >= 0x20 && c != 0x7f) {
    out->push_back(c);
    return;
  }
  char text[8];
  std::snprintf(text, sizeof(text), "\\u%04x", static_cast<unsigned>(c));
  out->append(text);
}

}  // namespace

void AppendJsonString(std::string* out, std::string_view s) {
  out->push_back('"');
  while (!s.empty()) {
    const size_t n = Utf8Length(s);
    if (n == 0) {
      out->append("\\ufffd");
      s.remove_prefix(1);
    } else if (n == 1) {
      AppendEscaped(out, s[0]);
      s.remove_prefix(1);
    } else {
      out->append(s.substr(0, n));
      s.remove_prefix(n);
    }
  }
  out->push_back('"');
}

void AppendJsonNumber(std::string* out, double d) {
  if (std::isnan(d)) {
    out->append("{\"$numberDouble\":\"NaN\"}");
  } else if (std::isinf(d)) {
    out->append(d < 0 ? "{\"$numberDouble\":\"-Infinity\"}" : "{\"$numberDouble\":\"Infinity\"}");
  } else {
    strings_internal::Append(out, d);
  }
}

}  // namespace septet
