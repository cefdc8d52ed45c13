// SPDX-License-Identifier: Apache-2.0
// $geoWithin (and $within), $geoIntersects, $near, $nearSphere with $minDistance and $maxDistance.
// {a: {$geoWithin: {$geometry: <polygon>}}}, {$box: [[x, y], [x, y]]}, {$center: [[x, y], r]},
// {$centerSphere: [[x, y], radians]}, {$polygon: [[x, y], ...]}. $near sorts, which takes a geo
// index: the matcher alone refuses it. Errors: BadValue, 16900, NoQueryExecutionPlans. Proved by
// recorded_geo_test (S03-018 to S03-021).
#include "query/match/geo.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "bson/ejson.h"
#include "bson/number.h"

#include "base/strings.h"
#include "query/match/parser.h"

namespace septet::query {
namespace {

using bson::ElementView;

Status Bad(std::string_view text) {
  return Error(ErrorCode::kBadValue, text);
}

std::string Text(ElementView e) {
  return StrCat(e.name(), ": ", bson::ToShellText(e.value()));
}
std::string Braced(ElementView e) {
  return StrCat("{ ", Text(e), " }");
}

// The region of $geoWithin.
struct Region {
  enum class Kind { kGeometry, kBox, kCenter, kCenterSphere, kPolygon } kind = Kind::kGeometry;
  geo::Shape shape;   // kGeometry
  geo::Ring ring;     // kPolygon; kBox: two corners
  geo::Point center;  // kCenter, kCenterSphere
  double radius = 0;

  bool HasPoint(geo::Point p) const {
    switch (kind) {
      case Kind::kBox:
        return p.x >= std::min(ring[0].x, ring[1].x) && p.x <= std::max(ring[0].x, ring[1].x) &&
               p.y >= std::min(ring[0].y, ring[1].y) && p.y <= std::max(ring[0].y, ring[1].y);
      case Kind::kCenter:
        return std::hypot(p.x - center.x, p.y - center.y) <= radius;
      case Kind::kCenterSphere:
        return geo::AngleBetween(p, center) <= radius;
      case Kind::kPolygon:
        return geo::ContainsFlat(ring, p);
      default:
        return false;
    }
  }
  bool Has(const geo::Shape& s) const {
    if (kind == Kind::kGeometry) {
      return geo::Within(s, shape);
    }
    // A circle on the sphere takes lines and polygons by their vertices; flat shapes take points
    // only.
    if (kind != Kind::kCenterSphere && (!s.lines.empty() || !s.polygons.empty())) {
      return false;
    }
    const auto all = [this](const std::vector<geo::Point>& points) {
      return std::all_of(points.begin(), points.end(),
                         [this](geo::Point p) { return HasPoint(p); });
    };
    return all(s.points) && std::all_of(s.lines.begin(), s.lines.end(), all) &&
           std::all_of(s.polygons.begin(), s.polygons.end(),
                       [&all](const geo::Polygon& p) { return all(p.rings[0]); });
  }
};

class GeoWithinNode : public LeafNode {
 public:
  GeoWithinNode(std::string_view path, Region region, ValueView operand)
      : LeafNode(MatchKind::kGeo, path), region_(std::move(region)), operand_(operand) {}
  ValueView operand() const override { return operand_; }
  bool TestValue(ValueView v, MatchState*) const override {
    geo::Shape shape;
    return geo::ShapeOfValue(v, &shape) && region_.Has(shape);
  }
  void SerializeOperator(bson::DocBuilder* out) const override {
    out->Append("$geoWithin", operand_);
  }

 private:
  Region region_;
  ValueView operand_;
};

class GeoIntersectsNode : public LeafNode {
 public:
  GeoIntersectsNode(std::string_view path, geo::Shape shape, ValueView operand)
      : LeafNode(MatchKind::kGeo, path), shape_(std::move(shape)), operand_(operand) {}
  ValueView operand() const override { return operand_; }
  bool TestValue(ValueView v, MatchState*) const override {
    geo::Shape shape;
    return geo::ShapeOfValue(v, &shape) && geo::Intersects(shape, shape_);
  }
  void SerializeOperator(bson::DocBuilder* out) const override {
    out->Append("$geoIntersects", operand_);
  }

 private:
  geo::Shape shape_;
  ValueView operand_;
};

class GeoNearNode : public LeafNode {
 public:
  GeoNearNode(std::string_view path, const GeoNear& near, ElementView element)
      : LeafNode(MatchKind::kGeoNear, path), near_(near), element_(element) {}
  ValueView operand() const override { return element_.value(); }
  const GeoNear& near() const { return near_; }
  bool TestValue(ValueView, MatchState* state) const override {
    state->error = Error(ErrorCode::kNoQueryExecutionPlans,
                         "error processing query: planner returned error :: caused by :: unable to "
                         "find index for $geoNear query");
    return false;
  }
  void SerializeOperator(bson::DocBuilder* out) const override { out->Append(element_); }

 private:
  GeoNear near_;
  ElementView element_;
};

StatusOr<double> Radius(ValueView v) {
  if (!v.is_number() || !(bson::ToDouble(v) >= 0)) {
    return Bad("radius must be a non-negative number");
  }
  return bson::ToDouble(v);
}

// [center, radius]
Status ParseCircle(ValueView v, Region* region) {
  if (!v.is_array()) {
    return Bad("Point must be an array or object");
  }
  const bson::DocView items = v.AsArray();
  auto it = items.begin();
  ASSIGN_OR_RETURN(region->center,
                   geo::ParseLegacyPoint(it != items.end() ? it->value() : ValueView()));
  ++it;
  ASSIGN_OR_RETURN(region->radius, Radius(it != items.end() ? it->value() : ValueView()));
  return OkStatus();
}

Status ParseFlat(ElementView e, Region* region) {
  const std::string_view name = e.name();
  if (name == "$center" || name == "$centerSphere") {
    region->kind = name == "$center" ? Region::Kind::kCenter : Region::Kind::kCenterSphere;
    return ParseCircle(e.value(), region);
  }
  region->kind = name == "$box" ? Region::Kind::kBox : Region::Kind::kPolygon;
  if (e.value().is_array() || e.value().is_object()) {
    for (const ElementView item : e.value().AsAnyDoc()) {
      ASSIGN_OR_RETURN(const geo::Point p, geo::ParseLegacyPoint(item.value()));
      region->ring.push_back(p);
    }
  }
  if (name == "$box" && region->ring.size() < 2) {
    return Bad("Point must be an array or object");
  }
  if (name == "$polygon" && region->ring.size() < 3) {
    return Bad("Polygon must have at least 3 points");
  }
  return OkStatus();
}

StatusOr<MatchNodePtr> ParseGeoWithin(const PathOperator& op, MatchParser*) {
  if (!op.operand().is_object()) {
    return Bad("geometry must be an object");
  }
  Region region;
  bool found = false;
  for (const ElementView e : op.operand().AsDoc()) {
    const std::string_view name = e.name();
    if (name == "$uniqueDocs") {
      continue;
    }
    if (name == "$box" || name == "$center" || name == "$centerSphere" || name == "$polygon") {
      RETURN_IF_ERROR(ParseFlat(e, &region));
    } else if (name == "$geometry" && e.value().is_object()) {
      ASSIGN_OR_RETURN(region.shape, geo::ParseGeoJson(e.value().AsDoc()));
      if (region.shape.polygons.empty() || !region.shape.points.empty() ||
          !region.shape.lines.empty()) {
        return Bad(StrCat("$geoWithin not supported with provided geometry: ", Braced(op.element)));
      }
    } else {
      return Bad(StrCat("unknown geo specifier: ", Text(e)));
    }
    found = true;
  }
  if (!found) {
    return Bad("geo query doesn't have any geometry");
  }
  return std::make_unique<GeoWithinNode>(op.path, std::move(region), op.operand());
}

StatusOr<MatchNodePtr> ParseGeoIntersects(const PathOperator& op, MatchParser*) {
  if (!op.operand().is_object()) {
    return Bad("geometry must be an object");
  }
  if (op.operand().AsDoc().empty()) {
    return Bad("geo query doesn't have any geometry");
  }
  const ElementView first = op.operand().AsDoc().FirstElement();
  if (first.name() != "$geometry" || !first.value().is_object()) {
    return Bad(StrCat("$geoIntersect not supported with provided geometry: ", Braced(op.element)));
  }
  ASSIGN_OR_RETURN(geo::Shape shape, geo::ParseGeoJson(first.value().AsDoc()));
  return std::make_unique<GeoIntersectsNode>(op.path, std::move(shape), op.operand());
}

StatusOr<double> Distance(ElementView e) {
  if (!e.value().is_number()) {
    return Error(e.name() == "$minDistance" ? 16897 : 16896, StrCat(e.name(), " must be a number"));
  }
  const double distance = bson::ToDouble(e.value());
  if (!(distance >= 0)) {
    return Error(e.name() == "$minDistance" ? 16899 : 16900,
                 StrCat(e.name(), " must be non-negative"));
  }
  return distance;
}

// {$geometry: <point>, $minDistance: m, $maxDistance: m}
Status ParseNearGeometry(bson::DocView operand, GeoNear* near) {
  for (const ElementView e : operand) {
    if (e.name() == "$geometry") {
      const auto wrong = [&](std::string_view why) {
        return Bad(StrCat("invalid point in geo near query $geometry argument: ",
                          bson::ToShellText(e.value()), "  ", why));
      };
      if (!e.value().is_object()) {
        return wrong("Point must be an array or object");
      }
      const ValueView coordinates = e.value().AsDoc()["coordinates"];
      const auto point = geo::ParseLegacyPoint(coordinates);
      if (!point.ok()) {
        return wrong(TextOf(point.status()));
      }
      const Status bounds = geo::CheckBounds(*point);
      if (!bounds.ok()) {
        return wrong(TextOf(bounds));
      }
      near->center = *point;
    } else if (e.name() == "$minDistance") {
      ASSIGN_OR_RETURN(near->min_distance, Distance(e));
    } else if (e.name() == "$maxDistance") {
      ASSIGN_OR_RETURN(near->max_distance, Distance(e));
    } else {
      return Bad(StrCat("invalid argument in geo near query: ", e.name()));
    }
  }
  near->spherical = true;
  near->meters = true;
  return OkStatus();
}

StatusOr<MatchNodePtr> ParseNear(const PathOperator& op, MatchParser* parser) {
  if (!parser->options().allow_geo_near) {
    return Bad("$geoNear, $near, and $nearSphere are not allowed in this context");
  }
  GeoNear near;
  near.max_distance = std::numeric_limits<double>::infinity();
  near.spherical = op.name() == "$nearSphere";
  const ValueView v = op.operand();
  if (!v.is_object() && !v.is_array()) {
    return Bad(StrCat("near must be first in: ", bson::ToShellText(op.siblings)));
  }
  if (v.is_object() && v.AsDoc().Has("$geometry")) {
    RETURN_IF_ERROR(ParseNearGeometry(v.AsDoc(), &near));
  } else {
    ASSIGN_OR_RETURN(near.center, geo::ParseLegacyPoint(v));
    for (const ElementView e : op.siblings) {
      if (e.name() == "$minDistance") {
        ASSIGN_OR_RETURN(near.min_distance, Distance(e));
      } else if (e.name() == "$maxDistance") {
        ASSIGN_OR_RETURN(near.max_distance, Distance(e));
      }
    }
  }
  return std::make_unique<GeoNearNode>(op.path, near, op.element);
}

// Read with their $near.
StatusOr<MatchNodePtr> ParseDistance(const PathOperator& op, MatchParser*) {
  const bool beside =
      op.siblings.Has("$near") || op.siblings.Has("$nearSphere") || op.siblings.Has("$geoNear");
  if (!beside) {
    return Bad(StrCat(op.name(), " needs a $near or $nearSphere"));
  }
  return MatchNodePtr();
}

constexpr PathOperatorRow kPathOperators[] = {
    {"$geoIntersects", ParseGeoIntersects},
    {"$geoNear", ParseNear},
    {"$geoWithin", ParseGeoWithin},
    {"$maxDistance", ParseDistance},
    {"$minDistance", ParseDistance},
    {"$near", ParseNear},
    {"$nearSphere", ParseNear},
    {"$within", ParseGeoWithin},
};

}  // namespace

const GeoNear& GeoNearOf(const MatchNode& node) {
  return static_cast<const GeoNearNode&>(node).near();
}

MatchFamily GeoFamily() {
  return {kPathOperators, {}};
}

}  // namespace septet::query
