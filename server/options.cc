// SPDX-License-Identifier: Apache-2.0
// The command line, and what both forms of the configuration file have in common.
#include "server/options.h"

#include <algorithm>
#include <map>

#include "base/strings.h"
#include "bson/builder.h"
#include "bson/ejson.h"
#include "commands/version.h"
#include "server/config_file.h"
#include "server/option_table.h"

namespace septet::server {
namespace {

Status Prefix(std::string_view what, const Status& status) {
  return Prefixed(StrCat("Error parsing ", what, ": "), status);
}

// Reads the words of the command line into settings; *config gets the value of --config.
StatusOr<std::vector<Setting>> ReadCommandLine(const std::vector<std::string>& words,
                                               std::string* config) {
  std::vector<Setting> settings;
  for (size_t i = 0; i < words.size(); ++i) {
    std::string_view word = words[i];
    if (word == "-h") {
      word = "--help";
    } else if (word == "-f") {
      word = "--config";
    }
    const bool short_verbose = word.size() >= 2 && word[0] == '-' &&
                               word.find_first_not_of('v', 1) == std::string_view::npos;
    if (short_verbose) {
      settings.push_back({FindOptionByFlag(word.substr(1)), "true"});
      if (settings.back().row == nullptr) {
        return Error(ErrorCode::kBadValue, "at most five v's: -vvvvv");
      }
      continue;
    }
    if (!word.starts_with("--")) {
      return Error(ErrorCode::kBadValue,
                   StrCat("too many positional options have been specified on the command line: '",
                          word, "'"));
    }
    word.remove_prefix(2);
    const size_t equals = word.find('=');
    const std::string_view name = word.substr(0, equals);
    const bool has_value = equals != std::string_view::npos;
    const OptionRow* row = FindOptionByFlag(name);
    const bool is_config = name == "config";
    if (row == nullptr && !is_config) {
      return Error(ErrorCode::kBadValue,
                   StrCat("unrecognised option '--", name, "'", SuggestFlag(name)));
    }
    if (!is_config && row->kind == OptionKind::kSwitch) {
      settings.push_back({row, has_value ? std::string(word.substr(equals + 1)) : "true"});
      continue;
    }
    // --verbose may stand alone.
    const bool optional_value = name == "verbose";
    if (!has_value && !optional_value && i + 1 >= words.size()) {
      return Error(ErrorCode::kBadValue,
                   StrCat("the required argument for option '--", name, "' is missing"));
    }
    std::string value = "true";
    if (has_value) {
      value = word.substr(equals + 1);
    } else if (!optional_value) {
      value = words[++i];
    } else if (i + 1 < words.size() && !words[i + 1].starts_with("-")) {
      value = words[++i];
    }
    if (is_config) {
      *config = value;
    } else {
      settings.push_back({row, value});
    }
  }
  return settings;
}

Status ApplyAll(const std::vector<Setting>& settings, std::string_view what,
                ServerOptions* options) {
  for (const Setting& setting : settings) {
    const std::string_view name = setting.row->flag.empty() ? setting.row->yaml : setting.row->flag;
    const bool is_boolean = setting.row->kind == OptionKind::kSwitch ||
                            setting.row->kind == OptionKind::kBoolean;
    if (is_boolean && setting.value != "true" && setting.value != "false") {
      return Prefix(what, Error(ErrorCode::kBadValue,
                                StrCat("option '", name, "' must be true or false, not '",
                                       setting.value, "'")));
    }
    if (setting.row->apply == nullptr) {
      if (setting.value != "false") {
        options->warnings.push_back(StrCat("Option '", name, "' has no effect on this server"));
      }
      continue;
    }
    if (const Status s = setting.row->apply(setting.value, options); !s.ok()) {
      return Prefix(what, Prefixed(StrCat("option '", name, "': "), s));
    }
  }
  return OkStatus();
}

Status CheckCombinations(const ServerOptions& o) {
  if (o.fork && o.log_path.empty() && !o.syslog) {
    return Error(ErrorCode::kBadValue, "--fork has to be used with --logpath or --syslog");
  }
  if (!o.log_path.empty() && o.syslog) {
    return Error(ErrorCode::kBadValue, "Cant use both a logpath and syslog ");
  }
  if (o.bind_ip_all && !o.bind_ips.empty()) {
    return Error(ErrorCode::kBadValue, "cannot specify both --bind_ip_all and --bind_ip");
  }
  if (!o.journal && !o.repl_set.empty()) {
    return Error(ErrorCode::kBadValue, "members of a replica set need the journal");
  }
  return OkStatus();
}

using Tree = std::map<std::string, const Setting*>;

void AppendValue(std::string_view name, const Setting& s, bson::DocBuilder* out) {
  switch (s.row->kind) {
    case OptionKind::kSwitch:
    case OptionKind::kBoolean: out->Append(name, s.value == "true"); return;
    case OptionKind::kInt: out->Append(name, std::atoi(s.value.c_str())); return;
    case OptionKind::kNumber: out->Append(name, std::atof(s.value.c_str())); return;
    case OptionKind::kText: break;
  }
  // setParameter and component verbosities hold "name=value"; the name is in the path already.
  const bool is_pair = s.row->yaml == "setParameter" || s.row->yaml == "systemLog.component";
  const size_t equals = is_pair ? s.value.find('=') : std::string::npos;
  out->Append(name, equals == std::string::npos ? s.value : s.value.substr(equals + 1));
}

// Appends the settings whose paths start with `prefix`, one nested document per section.
void AppendSection(Tree::const_iterator* at, const Tree::const_iterator& end, std::string_view prefix,
                   bson::DocBuilder* out) {
  while (*at != end && (*at)->first.starts_with(prefix)) {
    const std::string_view rest = std::string_view((*at)->first).substr(prefix.size());
    const size_t dot = rest.find('.');
    if (dot == std::string_view::npos) {
      AppendValue(rest, *(*at)->second, out);
      ++*at;
      continue;
    }
    const std::string section = StrCat(prefix, rest.substr(0, dot + 1));
    const std::string name(rest.substr(0, dot));
    const auto object = out->Object(name);
    AppendSection(at, end, section, out);
  }
}

std::string ParsedDocument(const std::string& config, const std::vector<Setting>& settings) {
  Tree tree;
  bson::DocBuilder out;
  if (!config.empty()) {
    out.Append("config", config);
  }
  for (const Setting& s : settings) {
    const std::string name(s.row->yaml.empty() ? s.row->flag : s.row->yaml);
    if (name == "systemLog.component") {
      tree[StrCat(name, ".", s.value.substr(0, s.value.find('=')), ".verbosity")] = &s;
    } else if (name == "setParameter") {
      const size_t equals = s.value.find('=');
      tree[StrCat("setParameter.", s.value.substr(0, equals))] = &s;
    } else {
      tree[name] = &s;
    }
  }
  auto at = tree.cbegin();
  AppendSection(&at, tree.cend(), "", &out);
  return out.Finish();
}

void AppendYaml(bson::DocView doc, size_t depth, std::string* text) {
  for (const bson::ElementView& e : doc) {
    text->append(depth * 2, ' ');
    if (e.value().is_object()) {
      StrAppend(text, e.name(), ":\n");
      AppendYaml(e.value().AsDoc(), depth + 1, text);
    } else {
      StrAppend(text, e.name(), ": ", bson::ToRelaxedJson(e.value()), "\n");
    }
  }
}

}  // namespace

StatusOr<ServerOptions> ParseOptions(const std::vector<std::string>& arguments) {
  ServerOptions options;
  std::string config;
  auto line = ReadCommandLine(arguments, &config);
  if (!line.ok()) {
    return Prefix("command line", line.status());
  }
  std::vector<Setting> all;
  if (!config.empty()) {
    auto file = ReadConfigFile(config);
    if (!file.ok()) {
      return Prefix("config file", file.status());
    }
    RETURN_IF_ERROR(ApplyAll(*file, "config file", &options));
    all = *std::move(file);
  }
  RETURN_IF_ERROR(ApplyAll(*line, "command line", &options));
  all.insert(all.end(), line->begin(), line->end());
  if (options.help || options.version) {
    return options;
  }
  RETURN_IF_ERROR(CheckCombinations(options));
  options.parsed = ParsedDocument(config, all);
  return options;
}

std::string HelpText() {
  std::string text =
      "Usage: septetd [options]\n\n"
      "  -f, --config FILE          settings as YAML, or as lines 'key = value'\n";
  for (const OptionRow& row : OptionTable()) {
    if (row.help.empty()) {
      continue;
    }
    std::string left = StrCat("  --", row.flag, row.kind == OptionKind::kSwitch ? "" : " ARG");
    left.resize(std::max<size_t>(left.size() + 1, 29), ' ');
    StrAppend(&text, left, row.help, "\n");
  }
  return text;
}

std::string OptionsAsYaml(const ServerOptions& options) {
  std::string text;
  AppendYaml(bson::DocView(options.parsed), 0, &text);
  return text;
}

std::string VersionText() {
  bson::DocBuilder info;
  info.Append("version", commands::kCompatibleVersion);
  info.Append("gitVersion", "septet-" SEPTET_VERSION);
  {
    const auto modules = info.Array("modules");
  }
  info.Append("allocator", "jemalloc");
  {
    const auto environment = info.Object("environment");
    info.Append("distarch", "x86_64").Append("target_arch", "x86_64");
  }
  {
    const auto own = info.Object("septet");
    info.Append("version", commands::kOwnVersion);
  }
  return StrCat("db version v", commands::kCompatibleVersion, "\nseptet version ",
                commands::kOwnVersion, "\nBuild Info: ",
                bson::ToRelaxedJson(bson::DocView(info.Finish())), "\n");
}

}  // namespace septet::server
