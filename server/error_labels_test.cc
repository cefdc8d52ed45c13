// SPDX-License-Identifier: Apache-2.0
// Expected labels: the drivers' specifications of retryable writes, transactions and change streams, and
// recorded answers (S08-014: NoSuchTransaction inside a transaction is transient).
#include "server/error_labels.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace septet::server {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(ErrorLabelsTest, S01_125_RetryableWrites) {
  EXPECT_THAT(ErrorLabels(ErrorCode::kNotWritablePrimary, {.retryable_write = true}),
              ElementsAre("RetryableWriteError", "NoWritesPerformed"));
  EXPECT_THAT(ErrorLabels(ErrorCode::kNotWritablePrimary, {.retryable_write = true, .wrote = true}),
              ElementsAre("RetryableWriteError"));
  EXPECT_THAT(ErrorLabels(ErrorCode::kDuplicateKey, {.retryable_write = true}), IsEmpty());
  EXPECT_THAT(ErrorLabels(ErrorCode::kNotWritablePrimary, {}), IsEmpty());
  EXPECT_THAT(
      ErrorLabels(ErrorCode::kNotWritablePrimary, {.retryable_write = true, .internal_client = true}),
      IsEmpty());
  EXPECT_THAT(
      ErrorLabels(ErrorCode::kOK, {.retryable_write = true,
                                   .wrote = true,
                                   .write_concern_code = ErrorCode::kPrimarySteppedDown}),
      ElementsAre("RetryableWriteError"));
}

TEST(ErrorLabelsTest, S01_127_Transactions) {
  EXPECT_THAT(ErrorLabels(ErrorCode::kWriteConflict, {.in_transaction = true}),
              ElementsAre("TransientTransactionError"));
  EXPECT_THAT(ErrorLabels(ErrorCode::kNoSuchTransaction, {.in_transaction = true}),
              ElementsAre("TransientTransactionError"));
  EXPECT_THAT(ErrorLabels(ErrorCode::kDuplicateKey, {.in_transaction = true}), IsEmpty());
  EXPECT_THAT(ErrorLabels(ErrorCode::kWriteConflict, {}), IsEmpty());
  EXPECT_THAT(ErrorLabels(ErrorCode::kNoSuchTransaction,
                          {.in_transaction = true, .ends_transaction = true}),
              ElementsAre("TransientTransactionError"));
  EXPECT_THAT(ErrorLabels(ErrorCode::kNotWritablePrimary,
                          {.in_transaction = true, .ends_transaction = true}),
              ElementsAre("RetryableWriteError"));
}

TEST(ErrorLabelsTest, S01_128_ChangeStreams) {
  EXPECT_THAT(ErrorLabels(ErrorCode::kNotPrimaryNoSecondaryOk, {.change_stream = true}),
              ElementsAre("ResumableChangeStreamError"));
  EXPECT_THAT(ErrorLabels(ErrorCode::kChangeStreamHistoryLost, {.change_stream = true}),
              ElementsAre("NonResumableChangeStreamError"));
  EXPECT_THAT(ErrorLabels(ErrorCode::kBadValue, {.change_stream = true}), IsEmpty());
}

}  // namespace
}  // namespace septet::server
