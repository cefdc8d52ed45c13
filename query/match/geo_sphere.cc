// SPDX-License-Identifier: Apache-2.0
// Predicates on the sphere by vector arithmetic: a point is a unit vector, an edge the shorter arc
// of the great circle through its ends, sides are signs of triple products. Proved by
// recorded_geo_test.
#include <algorithm>
#include <cmath>

#include "query/match/geo_shape.h"

namespace septet::query::geo {
namespace {

constexpr double kDegree = 0.017453292519943295;
constexpr double kTouch = 1e-12;  // closer is on the arc

struct Vec {
  double x, y, z;
};

Vec ToVec(Point p) {
  const double lng = p.x * kDegree;
  const double lat = p.y * kDegree;
  return {std::cos(lat) * std::cos(lng), std::cos(lat) * std::sin(lng), std::sin(lat)};
}
Vec Cross(Vec a, Vec b) {
  return {a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x};
}
double Dot(Vec a, Vec b) {
  return a.x * b.x + a.y * b.y + a.z * b.z;
}
Vec Plus(Vec a, Vec b) {
  return {a.x + b.x, a.y + b.y, a.z + b.z};
}
Vec Times(Vec a, double k) {
  return {a.x * k, a.y * k, a.z * k};
}
Vec Unit(Vec a) {
  const double length = std::sqrt(Dot(a, a));
  return length == 0 ? Vec{1, 0, 0} : Times(a, 1 / length);
}

std::vector<Vec> ToVecs(const std::vector<Point>& points) {
  std::vector<Vec> out;
  out.reserve(points.size());
  for (const Point p : points) {
    out.push_back(ToVec(p));
  }
  return out;
}

bool SamePlace(Vec a, Vec b) {
  const Vec d = {a.x - b.x, a.y - b.y, a.z - b.z};
  return Dot(d, d) <= kTouch * kTouch;
}

bool OnArc(Vec p, Vec a, Vec b) {
  if (SamePlace(p, a) || SamePlace(p, b)) {
    return true;
  }
  const Vec n = Cross(a, b);
  if (Dot(n, n) <= kTouch * kTouch) {
    return false;
  }
  const Vec unit = Unit(n);
  return std::abs(Dot(unit, p)) <= kTouch && Dot(Cross(a, p), unit) >= 0 &&
         Dot(Cross(p, b), unit) >= 0;
}

// Do the arcs cross in a point inside both? Touching ends do not count.
bool ArcsCross(Vec a, Vec b, Vec c, Vec d) {
  const Vec ab = Cross(a, b);
  const Vec cd = Cross(c, d);
  const double c_side = Dot(ab, c);
  const double d_side = Dot(ab, d);
  const double a_side = Dot(cd, a);
  const double b_side = Dot(cd, b);
  if (std::abs(c_side) <= kTouch || std::abs(d_side) <= kTouch || std::abs(a_side) <= kTouch ||
      std::abs(b_side) <= kTouch) {
    return false;
  }
  // Opposite signs in pairs, and both pairs seen from the same side of the sphere.
  return (c_side > 0) != (d_side > 0) && (a_side > 0) != (b_side > 0) &&
         (c_side > 0) == (b_side > 0);
}

bool ArcsMeet(Vec a, Vec b, Vec c, Vec d) {
  return ArcsCross(a, b, c, d) || OnArc(a, c, d) || OnArc(b, c, d) || OnArc(c, a, b) ||
         OnArc(d, a, b);
}

// A ring with what its tests share.
class RingTester {
 public:
  explicit RingTester(const Ring& ring) : vertices_(ToVecs(ring)) {
    Vec sum = {0, 0, 0};
    for (size_t i = 0; i + 1 < vertices_.size(); ++i) {
      sum = Plus(sum, vertices_[i]);
    }
    const Vec center = Unit(sum);
    double turn = 0;
    for (size_t i = 0; i + 1 < vertices_.size(); ++i) {
      turn += Dot(center, Cross(vertices_[i], vertices_[i + 1]));
    }
    counter_clockwise_ = turn > 0;
    // A place outside the smaller side, off the exact antipode so that arcs to it are well defined.
    const Vec aside = std::abs(center.z) < 0.9 ? Vec{0, 0, 1} : Vec{1, 0, 0};
    const Vec sideways = Unit(Cross(center, aside));
    outside_ = Unit(Plus(Times(center, -1), Plus(Times(sideways, 0.1234567),
                                                 Times(Cross(center, sideways), 0.0765432))));
  }

  bool OnEdge(Vec p) const {
    for (size_t i = 0; i + 1 < vertices_.size(); ++i) {
      if (OnArc(p, vertices_[i], vertices_[i + 1])) {
        return true;
      }
    }
    return false;
  }
  // Strictly inside the smaller side, for a point that is not on the edge.
  bool Inside(Vec p) const {
    bool inside = false;
    for (size_t i = 0; i + 1 < vertices_.size(); ++i) {
      if (Passes(p, vertices_[i], vertices_[i + 1])) {
        inside = !inside;
      }
    }
    return inside;
  }
  bool counter_clockwise() const { return counter_clockwise_; }
  const std::vector<Vec>& vertices() const { return vertices_; }

 private:
  // Does the arc from p to the place outside pass the edge? A vertex on the arc counts for one edge
  // only.
  bool Passes(Vec p, Vec a, Vec b) const {
    const Vec way = Cross(p, outside_);
    const Vec edge = Cross(a, b);
    const bool a_side = Dot(way, a) >= 0;
    const bool b_side = Dot(way, b) >= 0;
    if (a_side == b_side) {
      return false;
    }
    const bool p_side = Dot(edge, p) >= 0;
    const bool out_side = Dot(edge, outside_) >= 0;
    return p_side != out_side && a_side == out_side;
  }

  std::vector<Vec> vertices_;
  Vec outside_;
  bool counter_clockwise_ = true;
};

bool RingContains(const RingTester& ring, Vec p, bool left_side) {
  if (ring.OnEdge(p)) {
    return true;
  }
  const bool inside = ring.Inside(p);
  return left_side && !ring.counter_clockwise() ? !inside : inside;
}

// A polygon ready for many tests.
class PolygonTester {
 public:
  explicit PolygonTester(const Polygon& polygon) : left_side_(polygon.left_side) {
    for (const Ring& ring : polygon.rings) {
      rings_.emplace_back(ring);
    }
  }
  bool Contains(Vec p) const {
    if (!RingContains(rings_[0], p, left_side_)) {
      return false;
    }
    for (size_t i = 1; i < rings_.size(); ++i) {
      if (!rings_[i].OnEdge(p) && rings_[i].Inside(p)) {
        return false;
      }
    }
    return true;
  }
  // The whole line: its vertices and the middles of its edges inside, no edge crossed.
  bool ContainsLine(const std::vector<Vec>& line) const {
    for (size_t i = 0; i < line.size(); ++i) {
      if (!Contains(line[i])) {
        return false;
      }
      if (i + 1 < line.size() &&
          (!Contains(Unit(Plus(line[i], line[i + 1]))) || Crosses(line[i], line[i + 1]))) {
        return false;
      }
    }
    return true;
  }
  bool ContainsPolygon(const PolygonTester& inner) const {
    if (!ContainsLine(inner.rings_[0].vertices())) {
      return false;
    }
    // A hole of this one inside the other one, and not inside one of its holes, sticks out.
    for (size_t i = 1; i < rings_.size(); ++i) {
      const Vec p = rings_[i].vertices()[0];
      if (inner.Contains(p) && !inner.OnAnyEdge(p)) {
        return false;
      }
    }
    return true;
  }
  bool OnAnyEdge(Vec p) const {
    return std::any_of(rings_.begin(), rings_.end(),
                       [p](const RingTester& r) { return r.OnEdge(p); });
  }
  bool Crosses(Vec a, Vec b) const {
    return AnyEdge([&](Vec c, Vec d) { return ArcsCross(a, b, c, d); });
  }
  bool Meets(Vec a, Vec b) const {
    return AnyEdge([&](Vec c, Vec d) { return ArcsMeet(a, b, c, d); });
  }
  bool MeetsLine(const std::vector<Vec>& line) const {
    for (size_t i = 0; i + 1 < line.size(); ++i) {
      if (Meets(line[i], line[i + 1])) {
        return true;
      }
    }
    return Contains(line[0]);
  }
  bool MeetsPolygon(const PolygonTester& other) const {
    return MeetsLine(other.rings_[0].vertices()) || other.Contains(rings_[0].vertices()[0]);
  }

 private:
  template <typename Test>
  bool AnyEdge(const Test& test) const {
    for (const RingTester& ring : rings_) {
      const std::vector<Vec>& v = ring.vertices();
      for (size_t i = 0; i + 1 < v.size(); ++i) {
        if (test(v[i], v[i + 1])) {
          return true;
        }
      }
    }
    return false;
  }

  std::vector<RingTester> rings_;
  bool left_side_;
};

// A shape ready for many tests.
struct ShapeTester {
  explicit ShapeTester(const Shape& shape) : points(ToVecs(shape.points)) {
    for (const auto& line : shape.lines) {
      lines.push_back(ToVecs(line));
    }
    for (const Polygon& polygon : shape.polygons) {
      polygons.emplace_back(polygon);
    }
  }
  std::vector<Vec> points;
  std::vector<std::vector<Vec>> lines;
  std::vector<PolygonTester> polygons;
};

bool PointMeets(Vec p, const ShapeTester& shape) {
  for (const Vec q : shape.points) {
    if (SamePlace(p, q)) {
      return true;
    }
  }
  for (const auto& line : shape.lines) {
    for (size_t i = 0; i + 1 < line.size(); ++i) {
      if (OnArc(p, line[i], line[i + 1])) {
        return true;
      }
    }
  }
  return std::any_of(shape.polygons.begin(), shape.polygons.end(),
                     [p](const PolygonTester& t) { return t.Contains(p); });
}

bool LinesMeet(const std::vector<Vec>& a, const std::vector<Vec>& b) {
  for (size_t i = 0; i + 1 < a.size(); ++i) {
    for (size_t j = 0; j + 1 < b.size(); ++j) {
      if (ArcsMeet(a[i], a[i + 1], b[j], b[j + 1])) {
        return true;
      }
    }
  }
  return false;
}

}  // namespace

double AngleBetween(Point a, Point b) {
  const Vec u = ToVec(a);
  const Vec v = ToVec(b);
  const Vec n = Cross(u, v);
  return std::atan2(std::sqrt(Dot(n, n)), Dot(u, v));
}

bool Contains(const Polygon& polygon, Point p) {
  return PolygonTester(polygon).Contains(ToVec(p));
}

bool Within(const Shape& inner_shape, const Shape& outer_shape) {
  const ShapeTester inner(inner_shape);
  const ShapeTester outer(outer_shape);
  const auto in_one = [&outer](const auto& test) {
    return std::any_of(outer.polygons.begin(), outer.polygons.end(), test);
  };
  return std::all_of(inner.points.begin(), inner.points.end(),
                     [&](Vec p) {
                       return in_one([p](const PolygonTester& t) { return t.Contains(p); });
                     }) &&
         std::all_of(
             inner.lines.begin(), inner.lines.end(),
             [&](const auto& line) {
               return in_one([&line](const PolygonTester& t) { return t.ContainsLine(line); });
             }) &&
         std::all_of(inner.polygons.begin(), inner.polygons.end(), [&](const PolygonTester& p) {
           return in_one([&p](const PolygonTester& t) { return t.ContainsPolygon(p); });
         });
}

bool Intersects(const Shape& a_shape, const Shape& b_shape) {
  const ShapeTester a(a_shape);
  const ShapeTester b(b_shape);
  const auto point_meets = [](const ShapeTester& of, const ShapeTester& with) {
    return std::any_of(of.points.begin(), of.points.end(),
                       [&with](Vec p) { return PointMeets(p, with); });
  };
  if (point_meets(a, b) || point_meets(b, a)) {
    return true;
  }
  const auto line_meets_polygon = [](const ShapeTester& of, const ShapeTester& with) {
    return std::any_of(of.lines.begin(), of.lines.end(), [&with](const auto& line) {
      return std::any_of(with.polygons.begin(), with.polygons.end(),
                         [&line](const PolygonTester& t) { return t.MeetsLine(line); });
    });
  };
  if (line_meets_polygon(a, b) || line_meets_polygon(b, a)) {
    return true;
  }
  for (const auto& line : a.lines) {
    for (const auto& other : b.lines) {
      if (LinesMeet(line, other)) {
        return true;
      }
    }
  }
  for (const PolygonTester& p : a.polygons) {
    for (const PolygonTester& q : b.polygons) {
      if (p.MeetsPolygon(q)) {
        return true;
      }
    }
  }
  return false;
}

bool FindCrossing(const Ring& ring, size_t* first, size_t* second) {
  const std::vector<Vec> v = ToVecs(ring);
  for (size_t i = 0; i + 1 < v.size(); ++i) {
    for (size_t j = i + 2; j + 1 < v.size(); ++j) {
      if (ArcsCross(v[i], v[i + 1], v[j], v[j + 1])) {
        *first = i;
        *second = j;
        return true;
      }
    }
  }
  return false;
}

bool ContainsFlat(const Ring& ring, Point p) {
  bool inside = false;
  for (size_t i = 0; i < ring.size(); ++i) {
    const Point a = ring[i];
    const Point b = ring[(i + 1) % ring.size()];
    const double turn = (b.x - a.x) * (p.y - a.y) - (b.y - a.y) * (p.x - a.x);
    if (turn == 0 && p.x >= std::min(a.x, b.x) && p.x <= std::max(a.x, b.x) &&
        p.y >= std::min(a.y, b.y) && p.y <= std::max(a.y, b.y)) {
      return true;
    }
    if ((a.y > p.y) != (b.y > p.y) && p.x < (b.x - a.x) * (p.y - a.y) / (b.y - a.y) + a.x) {
      inside = !inside;
    }
  }
  return inside;
}

}  // namespace septet::query::geo
