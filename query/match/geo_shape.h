// SPDX-License-Identifier: Apache-2.0
// Geometries of queries and documents: GeoJSON on the sphere (edges are great circles), and the
// legacy flat shapes. A polygon's inside is its smaller side, unless its coordinate system says
// that the left side of the ring is. Source: RFC 7946, manual "Geospatial Queries". Thread rule:
// immutable values.
#pragma once

#include <string>
#include <vector>

#include "bson/view.h"

#include "base/status.h"

namespace septet::query::geo {

inline constexpr double kEarthRadiusMeters = 6378100.0;

// Longitude and latitude in degrees, or x and y of the plane.
struct Point {
  double x = 0;
  double y = 0;
};

using Ring = std::vector<Point>;  // closed: the last point is the first

struct Polygon {
  std::vector<Ring> rings;  // the outer one, then the holes
  bool left_side = false;   // strict winding
};

// A point, line, polygon or any collection of them.
struct Shape {
  std::vector<Point> points;
  std::vector<std::vector<Point>> lines;
  std::vector<Polygon> polygons;
};

// {type: "Point", coordinates: [...]} and the other types. Errors: BadValue with a server's texts.
StatusOr<Shape> ParseGeoJson(bson::DocView object);
bool IsGeoJson(bson::ValueView v);
// [x, y] or {lng: x, lat: y}. Error: BadValue.
StatusOr<Point> ParseLegacyPoint(bson::ValueView v);
// The geometry a document's value stands for; false if it stands for none.
bool ShapeOfValue(bson::ValueView v, Shape* out);

// Error: BadValue if a point is no longitude and latitude.
Status CheckBounds(Point p);

// On the sphere. The edge of a polygon belongs to it.
double AngleBetween(Point a, Point b);  // radians
bool Contains(const Polygon& polygon, Point p);
// Is every part of `inner` inside one polygon of `outer`?
bool Within(const Shape& inner, const Shape& outer);
bool Intersects(const Shape& a, const Shape& b);
// Indexes of two edges of a ring that cross; false if none do.
bool FindCrossing(const Ring& ring, size_t* first, size_t* second);

// On the plane; the edge belongs to the polygon. `ring` need not be closed.
bool ContainsFlat(const Ring& ring, Point p);

}  // namespace septet::query::geo
