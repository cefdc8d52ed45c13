// SPDX-License-Identifier: Apache-2.0
// Reading geometries. Proved by recorded_geo_test (S03-018, S03-019).
#include "query/match/geo_shape.h"

#include <cstdio>

#include "bson/ejson.h"
#include "bson/number.h"

#include "base/strings.h"

namespace septet::query::geo {
namespace {

using bson::DocView;
using bson::ElementView;
using bson::ValueView;

constexpr std::string_view kStrictWinding = "urn:x-mongodb:crs:strictwinding:EPSG:4326";

Status Bad(std::string_view text) {
  return Error(ErrorCode::kBadValue, text);
}

StatusOr<Point> ParsePosition(ValueView v) {
  if (!v.is_array()) {
    return Bad("Point must be an array or object");
  }
  double xy[2] = {0, 0};
  int n = 0;
  for (const ElementView e : v.AsArray()) {
    if (!e.value().is_number()) {
      return Bad("Point must only contain numeric elements");
    }
    if (n < 2) {
      xy[n] = bson::ToDouble(e.value());
    }
    ++n;
  }
  if (n < 2) {
    return Bad("Point must have at least two elements");
  }
  const Point p{xy[0], xy[1]};
  RETURN_IF_ERROR(CheckBounds(p));
  return p;
}

StatusOr<std::vector<Point>> ParsePositions(ValueView v) {
  if (!v.is_array()) {
    return Bad("GeoJSON coordinates must be an array of coordinates");
  }
  std::vector<Point> out;
  for (const ElementView e : v.AsArray()) {
    ASSIGN_OR_RETURN(const Point p, ParsePosition(e.value()));
    out.push_back(p);
  }
  return out;
}

bool Same(Point a, Point b) {
  return a.x == b.x && a.y == b.y;
}

Status ParseLine(ValueView v, Shape* out) {
  ASSIGN_OR_RETURN(std::vector<Point> line, ParsePositions(v));
  if (line.size() < 2) {
    return Bad(StrCat("GeoJSON LineString must have at least 2 vertices: ", bson::ToShellText(v)));
  }
  out->lines.push_back(std::move(line));
  return OkStatus();
}

StatusOr<Ring> ParseRing(ValueView v) {
  ASSIGN_OR_RETURN(Ring ring, ParsePositions(v));
  if (ring.empty()) {
    return Bad("Polygon has no vertices.");
  }
  if (!Same(ring.front(), ring.back())) {
    return Bad(StrCat("Loop is not closed: ", bson::ToShellText(v)));
  }
  Ring clean;
  for (const Point p : ring) {
    if (clean.empty() || !Same(clean.back(), p)) {
      clean.push_back(p);
    }
  }
  if (clean.size() < 4) {
    return Bad(StrCat("Loop must have at least 3 different vertices: ", bson::ToShellText(v)));
  }
  size_t a = 0;
  size_t b = 0;
  if (FindCrossing(clean, &a, &b)) {
    char text[256];
    std::snprintf(text, sizeof(text),
                  " Edges %zu and %zu cross. Edge locations in degrees: [%.7f, %.7f]-[%.7f, %.7f] "
                  "and [%.7f, %.7f]-[%.7f, %.7f]",
                  a, b, clean[a].y, clean[a].x, clean[a + 1].y, clean[a + 1].x, clean[b].y,
                  clean[b].x, clean[b + 1].y, clean[b + 1].x);
    return Bad(StrCat("Loop is not valid: ", bson::ToShellText(v), std::string_view(text)));
  }
  return clean;
}

Status ParsePolygon(ValueView v, bool left_side, Shape* out) {
  if (!v.is_array() || v.AsArray().empty()) {
    return Bad("Polygon coordinates must be an array");
  }
  Polygon polygon;
  polygon.left_side = left_side;
  for (const ElementView e : v.AsArray()) {
    ASSIGN_OR_RETURN(Ring ring, ParseRing(e.value()));
    polygon.rings.push_back(std::move(ring));
  }
  if (left_side && polygon.rings.size() > 1) {
    return Bad("Only one simple loop is allowed in a big polygon");
  }
  out->polygons.push_back(std::move(polygon));
  return OkStatus();
}

// Sets *left_side if the coordinate system is the one of big polygons.
Status ParseCrs(DocView object, bool* left_side) {
  const ValueView crs = object["crs"];
  if (crs.missing()) {
    return OkStatus();
  }
  if (!crs.is_object()) {
    return Bad("GeoJSON CRS must be an object");
  }
  const ValueView properties = crs.AsDoc()["properties"];
  const ValueView name = properties.is_object() ? properties.AsDoc()["name"] : ValueView();
  if (!name.is_string()) {
    return Bad("CRS must have a field \"properties.name\" of type string");
  }
  if (name.AsString() == kStrictWinding) {
    *left_side = true;
    return OkStatus();
  }
  if (name.AsString() == "EPSG:4326" || name.AsString() == "urn:ogc:def:crs:OGC:1.3:CRS84") {
    return OkStatus();
  }
  return Bad(StrCat("Unknown CRS name: ", name.AsString()));
}

Status ParseInto(DocView object, Shape* out);

Status ParseEach(ValueView list, std::string_view what, Shape* out,
                 Status (*parse)(ValueView, Shape*)) {
  if (!list.is_array() || list.AsArray().empty()) {
    return Bad(StrCat(what, " coordinates must be an array with at least one element"));
  }
  for (const ElementView e : list.AsArray()) {
    RETURN_IF_ERROR(parse(e.value(), out));
  }
  return OkStatus();
}

Status ParsePointInto(ValueView v, Shape* out) {
  ASSIGN_OR_RETURN(const Point p, ParsePosition(v));
  out->points.push_back(p);
  return OkStatus();
}

Status ParseInto(DocView object, Shape* out) {
  const ValueView type = object["type"];
  const std::string_view name = type.is_string() ? type.AsString() : std::string_view();
  const ValueView coordinates = object["coordinates"];
  bool left_side = false;
  RETURN_IF_ERROR(ParseCrs(object, &left_side));
  if (name == "Point") {
    return ParsePointInto(coordinates, out);
  }
  if (name == "LineString") {
    return ParseLine(coordinates, out);
  }
  if (name == "Polygon") {
    return ParsePolygon(coordinates, left_side, out);
  }
  if (name == "MultiPoint") {
    return ParseEach(coordinates, name, out, ParsePointInto);
  }
  if (name == "MultiLineString") {
    return ParseEach(coordinates, name, out, ParseLine);
  }
  if (name == "MultiPolygon") {
    return ParseEach(coordinates, name, out,
                     [](ValueView v, Shape* s) { return ParsePolygon(v, false, s); });
  }
  if (name == "GeometryCollection") {
    const ValueView geometries = object["geometries"];
    return ParseEach(geometries, name, out, [](ValueView v, Shape* s) {
      return v.is_object() ? ParseInto(v.AsDoc(), s)
                           : Bad("GeometryCollection geometries must be objects");
    });
  }
  return Bad(StrCat("unknown GeoJSON type: ", bson::ToShellText(object)));
}

}  // namespace

Status CheckBounds(Point p) {
  if (p.x >= -180 && p.x <= 180 && p.y >= -90 && p.y <= 90) {
    return OkStatus();
  }
  return Bad(StrCat("longitude/latitude is out of bounds, lng: ", p.x, " lat: ", p.y));
}

bool IsGeoJson(ValueView v) {
  return v.is_object() && v.AsDoc()["type"].is_string();
}

StatusOr<Shape> ParseGeoJson(DocView object) {
  Shape shape;
  RETURN_IF_ERROR(ParseInto(object, &shape));
  return shape;
}

StatusOr<Point> ParseLegacyPoint(ValueView v) {
  if (!v.is_array() && !v.is_object()) {
    return Bad("Point must be an array or object");
  }
  double xy[2] = {0, 0};
  int n = 0;
  for (const ElementView e : v.AsAnyDoc()) {
    if (n == 2) {
      break;
    }
    if (!e.value().is_number()) {
      return Bad("Point must only contain numeric elements");
    }
    xy[n++] = bson::ToDouble(e.value());
  }
  if (n < 2) {
    return Bad("Point must contain exactly two elements");
  }
  return Point{xy[0], xy[1]};
}

bool ShapeOfValue(ValueView v, Shape* out) {
  if (IsGeoJson(v)) {
    return ParseInto(v.AsDoc(), out).ok();
  }
  const auto point = ParseLegacyPoint(v);
  if (!point.ok()) {
    return false;
  }
  out->points.push_back(*point);
  return true;
}

}  // namespace septet::query::geo
