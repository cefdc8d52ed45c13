// SPDX-License-Identifier: Apache-2.0
#include "server/config_file.h"

#include <yaml-cpp/yaml.h>

#include <fstream>
#include <sstream>

#include "base/strings.h"
#include "bson/view.h"
#include "server/options.h"

namespace septet::server {
namespace {

std::string_view Trim(std::string_view s) {
  const size_t start = s.find_first_not_of(" \t\r");
  if (start == std::string_view::npos) {
    return {};
  }
  return s.substr(start, s.find_last_not_of(" \t\r") - start + 1);
}

// The old form if the first line that says something has a '=' before any ':'.
bool IsOldForm(const std::string& text) {
  std::istringstream lines(text);
  std::string line;
  while (std::getline(lines, line)) {
    const std::string_view content = Trim(line);
    if (content.empty() || content[0] == '#' || content == "---") {
      continue;
    }
    const size_t equals = content.find('=');
    return equals != std::string_view::npos && equals < content.find(':');
  }
  return false;
}

StatusOr<std::vector<Setting>> ParseOldForm(const std::string& text) {
  std::vector<Setting> settings;
  std::istringstream lines(text);
  std::string line;
  int number = 0;
  while (std::getline(lines, line)) {
    ++number;
    const std::string_view content = Trim(std::string_view(line).substr(0, line.find('#')));
    if (content.empty()) {
      continue;
    }
    const size_t equals = content.find('=');
    if (equals == std::string_view::npos) {
      return Error(ErrorCode::kBadValue,
                   StrCat("line ", number, ": expected 'key = value', found '", content, "'"));
    }
    const std::string_view key = Trim(content.substr(0, equals));
    const std::string_view value = Trim(content.substr(equals + 1));
    const OptionRow* row = FindOptionByFlag(key);
    if (row == nullptr) {
      return Error(ErrorCode::kBadValue, StrCat("line ", number, ": unrecognised option '", key, "'",
                                                SuggestFlag(key)));
    }
    settings.push_back({row, std::string(value)});
  }
  return settings;
}

std::string Path(const std::string& prefix, const std::string& key) {
  return prefix.empty() ? key : StrCat(prefix, ".", key);
}

// systemLog.component.<a>.<b>.verbosity
bool IsComponentVerbosity(const std::string& path) {
  return path.starts_with("systemLog.component.") && path.ends_with(".verbosity");
}

class YamlReader {
 public:
  Status ReadMap(const YAML::Node& node, const std::string& prefix) {
    for (const auto& entry : node) {
      const std::string key = entry.first.Scalar();
      const std::string path = Path(prefix, key);
      if (prefix == "setParameter") {
        settings.push_back({FindOptionByYaml("setParameter"),
                            StrCat(key, "=", entry.second.Scalar())});
      } else if (entry.second.IsMap()) {
        RETURN_IF_ERROR(ReadSection(entry.second, path));
      } else if (entry.second.IsScalar()) {
        RETURN_IF_ERROR(ReadScalar(entry.second.Scalar(), path));
      } else if (!entry.second.IsNull()) {
        return Error(ErrorCode::kBadValue, StrCat("option '", path, "' must be a single value"));
      }
    }
    return OkStatus();
  }

  std::vector<Setting> settings;

 private:
  Status ReadSection(const YAML::Node& node, const std::string& path) {
    const bool known = IsOptionSection(path) || path == "setParameter" ||
                       path.starts_with("systemLog.component");
    if (!known) {
      return Error(ErrorCode::kBadValue,
                   StrCat("Unrecognized option: ", path, SuggestYaml(path)));
    }
    return ReadMap(node, path);
  }

  Status ReadScalar(const std::string& value, const std::string& path) {
    if (IsComponentVerbosity(path)) {
      // systemLog.component.replication.election.verbosity: the last name says which.
      const std::string names = path.substr(0, path.size() - std::string_view(".verbosity").size());
      settings.push_back({FindOptionByYaml("systemLog.component"),
                          StrCat(names.substr(names.rfind('.') + 1), "=", value)});
      return OkStatus();
    }
    const OptionRow* row = FindOptionByYaml(path);
    if (row == nullptr) {
      return Error(ErrorCode::kBadValue, StrCat("Unrecognized option: ", path, SuggestYaml(path)));
    }
    std::string text = value;
    if (row->kind == OptionKind::kSwitch) {
      if (text == "yes" || text == "on" || text == "True" || text == "TRUE") {
        text = "true";
      } else if (text == "no" || text == "off" || text == "False" || text == "FALSE") {
        text = "false";
      }
    }
    settings.push_back({row, text});
    return OkStatus();
  }
};

StatusOr<std::vector<Setting>> ParseYaml(const std::string& text) {
  YAML::Node root;
  try {  // yaml-cpp reports by exceptions; none leaves this function
    root = YAML::Load(text);
    if (root.IsNull()) {
      return std::vector<Setting>();
    }
    if (!root.IsMap()) {
      return Error(ErrorCode::kBadValue, "the file is neither YAML nor lines of 'key = value'");
    }
    YamlReader reader;
    RETURN_IF_ERROR(reader.ReadMap(root, ""));
    return std::move(reader.settings);
  } catch (const YAML::Exception& e) {
    return Error(ErrorCode::kBadValue, StrCat("Error parsing YAML: ", std::string_view(e.what())));
  }
}

}  // namespace

StatusOr<std::vector<Setting>> ParseConfigText(const std::string& text) {
  return IsOldForm(text) ? ParseOldForm(text) : ParseYaml(text);
}

StatusOr<std::vector<Setting>> ReadConfigFile(const std::string& path) {
  std::ifstream in(path);
  if (!in) {
    return Error(ErrorCode::kBadValue,
                 StrCat("Error opening config file '", path, "': No such file or directory"));
  }
  std::ostringstream text;
  text << in.rdbuf();
  return ParseConfigText(text.str());
}

}  // namespace septet::server
