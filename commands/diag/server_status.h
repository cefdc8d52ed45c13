// SPDX-License-Identifier: Apache-2.0
// The sections of serverStatus. A section is a name and a function that appends its document; the command
// shows those that are on by default or asked for by {<name>: 1}, and not switched off by {<name>: 0}.
// Thread rule: functions are called on any thread.
#pragma once

#include <span>
#include <string_view>

#include "bson/builder.h"
#include "commands/services.h"

namespace septet::commands {

struct StatusSection {
  std::string_view name;
  bool on_by_default;
  // Appends one element called `name`, or nothing if the section does not apply.
  void (*append)(std::string_view name, const Services& services, bson::DocBuilder* reply);
};

// In the order of replies.
std::span<const StatusSection> StatusSections();

// Those of set_status_sections.cc.
namespace status_sections {
void ElectionMetrics(std::string_view name, const Services& services, bson::DocBuilder* out);
void FlowControl(std::string_view name, const Services& services, bson::DocBuilder* out);
void OplogTruncation(std::string_view name, const Services& services, bson::DocBuilder* out);
void ReadConcerns(std::string_view name, const Services& services, bson::DocBuilder* out);
void Security(std::string_view name, const Services& services, bson::DocBuilder* out);
void TrafficRecording(std::string_view name, const Services& services, bson::DocBuilder* out);
void Transactions(std::string_view name, const Services& services, bson::DocBuilder* out);
void TwoPhaseCommits(std::string_view name, const Services& services, bson::DocBuilder* out);
}  // namespace status_sections

// Appends every metric of the registry as nested documents: "a.b.c" becomes {a: {b: {c: v}}}.
void AppendMetrics(const Services& services, bson::DocBuilder* out);

}  // namespace septet::commands
