// SPDX-License-Identifier: Apache-2.0
// $near and $nearSphere as an executor of geo indexes needs them.
// Thread rule: immutable values.
#pragma once

#include "query/match/geo_shape.h"
#include "query/match/matcher.h"

namespace septet::query {

struct GeoNear {
  geo::Point center;
  bool spherical = false;  // distances are angles or meters, else flat
  bool meters = false;     // the center was GeoJSON: distances in meters, else in radians or units
  double min_distance = 0;
  double max_distance = 0;  // infinity: none
};

// Of a node of kind kGeoNear.
const GeoNear& GeoNearOf(const MatchNode& node);

}  // namespace septet::query
