// SPDX-License-Identifier: Apache-2.0
// Every bound of the product in one place. Source: surface of a mongod 7.0, section "Limits".
#pragma once

#include <cstdint>

namespace septet::limits {

inline constexpr int32_t kMaxBsonObjectSize = 16 * 1024 * 1024;
// Commands and oplog entries may be this much larger than a user document.
inline constexpr int32_t kMaxInternalBsonSize = kMaxBsonObjectSize + 16 * 1024;
inline constexpr int32_t kMaxMessageSizeBytes = 48'000'000;
inline constexpr int32_t kMaxWriteBatchSize = 100'000;
inline constexpr int kMaxBsonDepth = 200;          // accepted on the wire
inline constexpr int kMaxStoredBsonDepth = 180;    // accepted in a stored document
inline constexpr int kDefaultFirstBatch = 101;     // documents
inline constexpr int64_t kCursorTimeoutMillis = 600'000;
inline constexpr int64_t kAwaitDataDefaultMillis = 1'000;
inline constexpr int kMaxClientMetadataBytes = 512;
inline constexpr int kMaxAppNameBytes = 128;
inline constexpr int64_t kBlockingStageMemoryBytes = 100LL * 1024 * 1024;
inline constexpr int kMaxPipelineLength = 1000;
inline constexpr int kMaxSubPipelineDepth = 20;
inline constexpr int kMaxIndexesPerCollection = 64;
inline constexpr int kMaxCompoundIndexFields = 32;
inline constexpr int kMaxNamespaceBytes = 255;
inline constexpr int kMaxDatabaseNameBytes = 63;
inline constexpr int kMaxSortKeys = 32;
inline constexpr int kMaxRegexPatternBytes = 32764;
inline constexpr int kMaxMembers = 50;
inline constexpr int kMaxVotingMembers = 7;
inline constexpr int kLogicalSessionTimeoutMinutes = 30;
inline constexpr int kMaxSessions = 1'000'000;
inline constexpr int kMaxLogLinesInMemory = 1024;

}  // namespace septet::limits
