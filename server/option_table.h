// SPDX-License-Identifier: Apache-2.0
// Every option the process knows: its flag, its place in YAML, its kind and what it does.
// Thread rule: constant.
#pragma once

#include <span>
#include <string_view>

#include "base/status.h"
#include "server/options.h"

namespace septet::server {

enum class OptionKind {
  kSwitch,   // --name; in files: a boolean
  kBoolean,  // --name true
  kText,
  kInt,
  kNumber,
};

struct OptionRow {
  std::string_view flag;  // long name without dashes; also the key of the old file form. May be empty
  std::string_view yaml;  // dotted path. May be empty
  OptionKind kind;
  // Stores the value ("true"/"false" for switches). Null: the option is accepted and does nothing;
  // a warning says so.
  Status (*apply)(std::string_view value, ServerOptions* options);
  std::string_view help = {};  // shown by --help; empty: not shown
};

std::span<const OptionRow> OptionTable();
// By flag or by YAML path; null if unknown.
const OptionRow* FindOptionByFlag(std::string_view flag);
const OptionRow* FindOptionByYaml(std::string_view path);
// True if `path` is the beginning of some row's YAML path.
bool IsOptionSection(std::string_view path);

// "--prot" -> "; did you mean --port?" or nothing.
std::string SuggestFlag(std::string_view flag);
std::string SuggestYaml(std::string_view path);

}  // namespace septet::server
