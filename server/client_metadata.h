// SPDX-License-Identifier: Apache-2.0
// The `client` document of a connection's first hello: its rules and what is kept of it.
// Source: the drivers' handshake specification; S01-075, S01-057. Errors: ClientMetadataMissingField
// (183), AppNameTooLarge (184), DocumentTooLarge (185), CannotBeMutated (186), TypeMismatch (14).
#pragma once

#include <string_view>

#include "base/status.h"
#include "bson/view.h"
#include "commands/command.h"

namespace septet::server {

// The application's name, possibly empty. The view points into `client`.
StatusOr<std::string_view> CheckClientMetadata(bson::ValueView client);

}  // namespace septet::server
