// SPDX-License-Identifier: Apache-2.0
// Running a pipeline for aggregate, for finds on views and for count and distinct on views.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "commands/crud/cursor_reply.h"
#include "query/stage/pipeline.h"

namespace septet::commands {

struct AggregateArgs {
  catalog::Namespace ns;           // collection, or database with collectionless
  bool collectionless = false;
  bson::DocView pipeline;          // encoded array
  std::optional<int64_t> batch_size;
  bson::ValueView hint;
  bson::DocView collation;
  bson::DocView let;
  bool allow_disk_use = true;
  bool single_batch = false;
  std::string reply_ns;            // namespace named in the reply, default ns
};

// A parsed pipeline with everything it points into; kept alive by its cursor.
struct PreparedPipeline {
  query::ParseContext variables;
  std::shared_ptr<const query::Collation> collation;
  query::Pipeline::Source source;
  std::unique_ptr<const query::Pipeline> pipeline;
  std::string text;                // the joined pipeline of a view
};
StatusOr<std::shared_ptr<PreparedPipeline>> PreparePipeline(const Services& services,
                                                            AggregateArgs* args);
query::PipelineRun MakePipelineRun(catalog::Op* op, const Services& services,
                                   const PreparedPipeline& prepared, const AggregateArgs& args,
                                   const Request& request);

Outcome RunAggregate(catalog::Op* op, const Services& services, const Request& request,
                     AggregateArgs args, bson::DocBuilder* reply);

}  // namespace septet::commands
