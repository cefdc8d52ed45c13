// SPDX-License-Identifier: Apache-2.0
#include "query/write/write_statement.h"

#include "base/limits.h"
#include "base/strings.h"

namespace septet::query {
namespace {

constexpr int kMaxRounds = 10;

}  // namespace

WriteRunner::WriteRunner(catalog::Catalog* catalog, PlanCache* cache, PlannerOptions options,
                         const WriteStatement* statement)
    : catalog_(catalog), cache_(cache), options_(std::move(options)), statement_(statement) {
  statement_->query->want_rid = true;
  statement_->query->want_match_details =
      statement_->update != nullptr && statement_->update->NeedsMatchDetails();
}

WriteRunner::~WriteRunner() = default;

bool WriteRunner::IsIdStatement() const {
  const FindQuery& query = *statement_->query;
  const MatchNode& root = query.matcher->root();
  return root.kind() == MatchKind::kEq && root.path().text() == "_id" &&
         !root.operand().is_array() && !root.operand().is_null() && query.hint_name.empty() &&
         query.hint_key.empty() && query.collation == nullptr && collection_ != nullptr &&
         !collection_->is_view && collection_->IdIndex() != nullptr &&
         collection_->IdIndex()->spec.collator == nullptr;
}

StatusOr<Step> WriteRunner::Run(catalog::Op* op) {
  for (;;) {
    StatusOr<Step> step = RunRounds(op);
    if (step.ok() || CodeOf(step.status()) != ErrorCode::kQueryPlanKilled) {
      return step;
    }
    // The collection was dropped or replaced: its documents are gone, another's may match.
    if (result_.matched > 0) {
      return Step::kDone;
    }
    RETURN_IF_ERROR(op->interrupt.CheckNow());
    plan_.reset();
    lost_a_row_ = false;
  }
}

StatusOr<Step> WriteRunner::RunRounds(catalog::Op* op) {
  random_ = Random(op->op_id ^ static_cast<uint64_t>(op->now_millis));
  eval_.arena = &arena_;
  eval_.interrupt = &op->interrupt;
  eval_.collator = statement_->query->collation.get();
  eval_.random = &random_;
  eval_.now_millis = op->now_millis;
  eval_.cluster_time = catalog_->positions()->ClusterTime();
  if (rounds_ == 0) {
    for (const auto& [id, value] : statement_->query->let_values) {
      eval_.SetKept(id, DocView(value).FirstElement().value());
    }
  }
  for (; rounds_ < kMaxRounds; ++rounds_) {
    if (!plan_) {
      collection_ = catalog_->Find(statement_->ns.full());
    }
    if (collection_ != nullptr && collection_->is_view) {
      return Error(ErrorCode::kCommandNotSupportedOnView,
                   StrCat("Namespace ", statement_->ns.full(), " is a view, not a collection"));
    }
    if (IsIdStatement()) {
      ASSIGN_OR_RETURN(const bool found, RunById(op));
      if (found) {
        return Step::kDone;
      }
    } else {
      ASSIGN_OR_RETURN(const Step step, RunPlan(op));
      if (step == Step::kYield) {
        return step;
      }
      if (result_.matched > 0 || statement_->multi) {
        if (result_.matched > 0 || !statement_->upsert) {
          return Step::kDone;
        }
      } else if (lost_a_row_) {
        lost_a_row_ = false;
        continue;
      }
    }
    if (!statement_->upsert) {
      return Step::kDone;
    }
    bool retry = false;
    RETURN_IF_ERROR(Upsert(op, &retry));
    if (!retry) {
      return Step::kDone;
    }
  }
  return Error(ErrorCode::kWriteConflict, "the documents of this statement keep changing");
}

StatusOr<bool> WriteRunner::RunById(catalog::Op* op) {
  const ValueView id = statement_->query->matcher->root().operand();
  ++op->counters.keys_examined;
  op->diagnostics.plan_summary = "IDHACK";
  bool changed = false;
  if (const catalog::RecordId hint = catalog::HintById(*collection_, id); hint != 0) {
    const int64_t examined = op->counters.docs_examined;
    RETURN_IF_ERROR(ChangeOne(op, hint, DocView(), MatchDetails(), &changed));
    if (changed) {
      return true;
    }
    // Another document, or none: as if nobody had looked.
    lost_a_row_ = false;
    op->counters.docs_examined = examined;
  }
  ASSIGN_OR_RETURN(const catalog::RecordId rid,
                   catalog::FindById(catalog_->engine(), *collection_, id, nullptr));
  if (rid == 0) {
    return false;
  }
  RETURN_IF_ERROR(ChangeOne(op, rid, DocView(), MatchDetails(), &changed));
  return changed;
}

StatusOr<Step> WriteRunner::RunPlan(catalog::Op* op) {
  if (!plan_) {
    ASSIGN_OR_RETURN(Plan plan, MakePlan(catalog_, op, collection_, statement_->query,
                                         cache_, options_));
    plan_ = std::move(plan);
  }
  for (;;) {
    Row row;
    ASSIGN_OR_RETURN(const Step step, plan_->Next(op, &row));
    if (step == Step::kYield) {
      return step;
    }
    if (step == Step::kDone) {
      break;
    }
    bool changed = false;
    RETURN_IF_ERROR(ChangeOne(op, row.rid, row.doc, row.match, &changed));
    if (!statement_->multi && changed) {
      break;
    }
  }
  plan_.reset();
  return Step::kDone;
}

Status WriteRunner::ChangeOne(catalog::Op* op, catalog::RecordId rid, DocView seen,
                              const MatchDetails& seen_details, bool* changed) {
  *changed = false;
  return catalog::RetryOnConflict(op, [&]() -> Status {
    catalog::WriteUnit unit(catalog_, op, collection_);
    RETURN_IF_ERROR(unit.Lock(rid));
    ASSIGN_OR_RETURN(const bool found, catalog::GetRecord(catalog_->engine(), *collection_, rid,
                                                          nullptr, &record_));
    ++op->counters.docs_examined;
    if (!found) {
      lost_a_row_ = true;
      return OkStatus();
    }
    const DocView current(record_.view());
    MatchDetails details = seen_details;
    arena_.Reset();
    if (seen.empty() || current.raw() != seen.raw()) {
      eval_.root = current;
      ASSIGN_OR_RETURN(const bool matches,
                       statement_->query->matcher->Matches(current, &eval_, &details));
      if (!matches) {
        lost_a_row_ = true;
        return OkStatus();
      }
    }
    RETURN_IF_ERROR(ChangeLocked(op, &unit, rid, current, details));
    *changed = true;
    return OkStatus();
  });
}

Status WriteRunner::ChangeLocked(catalog::Op*, catalog::WriteUnit* unit, catalog::RecordId rid,
                                 DocView current, const MatchDetails& details) {
  const WriteStatement& s = *statement_;
  if (s.update == nullptr) {
    RETURN_IF_ERROR(unit->Remove(rid, current, s.stmt_id));
    if (s.keep_image) {
      unit->KeepImage(current, false);
    }
    RETURN_IF_ERROR(unit->Commit());
    ++result_.matched;
    ++result_.modified;
    if (s.want_before) {
      result_.before = current.ToBytes();
    }
    return OkStatus();
  }
  eval_.root = current;
  RETURN_IF_ERROR(s.update->Apply(current, &details, &eval_, false, &update_result_));
  if (update_result_.modified) {
    const DocView after(update_result_.document);
    if (s.check) {
      RETURN_IF_ERROR(s.check(current, after));
    }
    RETURN_IF_ERROR(unit->Update(rid, current, after, DocView(update_result_.log_entry), s.stmt_id));
    if (s.keep_image) {
      unit->KeepImage(s.want_after ? after : current, s.want_after);
    }
    RETURN_IF_ERROR(unit->Commit());
    ++result_.modified;
  }
  ++result_.matched;
  if (s.want_before) {
    result_.before = current.ToBytes();
  }
  if (s.want_after) {
    result_.after = update_result_.modified ? update_result_.document : current.ToBytes();
  }
  return OkStatus();
}

Status WriteRunner::Upsert(catalog::Op* op, bool* retry) {
  const WriteStatement& s = *statement_;
  if (collection_ == nullptr) {
    RETURN_IF_ERROR(catalog::ValidateCollectionName(s.ns));
    StatusOr<catalog::CollectionPtr> created =
        catalog_->CreateCollection(op, s.ns, catalog::CreateOptions());
    if (!created.ok() && CodeOf(created.status()) != ErrorCode::kNamespaceExists) {
      return created.status();
    }
    collection_ = catalog_->Find(s.ns.full());
    if (collection_ == nullptr) {
      *retry = true;
      return OkStatus();
    }
  }
  arena_.Reset();
  ASSIGN_OR_RETURN(const std::string document, s.update->MakeUpsertDocument(*s.query->matcher, &eval_));
  if (document.size() > static_cast<size_t>(limits::kMaxBsonObjectSize)) {
    return Error(17420, StrCat("Document to upsert is larger than ", limits::kMaxBsonObjectSize));
  }
  if (s.check) {
    RETURN_IF_ERROR(s.check(DocView(), DocView(document)));
  }
  const Status status = catalog::RetryOnConflict(op, [&]() -> Status {
    catalog::WriteUnit unit(catalog_, op, collection_);
    RETURN_IF_ERROR(unit.Insert(DocView(document), s.stmt_id, true).status());
    if (s.keep_image && s.want_after) {
      unit.KeepImage(DocView(document), true);
    }
    return unit.Commit();
  });
  // Another client inserted what this statement did not find: look again, it may match now.
  constexpr int kMaxUpsertRetries = 3;
  if (CodeOf(status) == ErrorCode::kDuplicateKey && rounds_ < kMaxUpsertRetries) {
    *retry = true;
    return OkStatus();
  }
  RETURN_IF_ERROR(status);
  result_.upserted_id.Assign(DocView(document).Find("_id"));
  if (s.want_after) {
    result_.after = document;
  }
  return OkStatus();
}

}  // namespace septet::query
