// SPDX-License-Identifier: Apache-2.0
// Elements of figures.
#include "report/figures/draw.h"

#include <algorithm>
#include <cmath>

#include "report/charts/svg.h"
#include "tensor/io/format.h"

namespace cawe::report::svg {
namespace {

std::string frame(const Placed& at) {
  return " x=\"" + number(at.x) + "\" y=\"" + number(at.y) + "\" width=\"" + number(at.width) +
         "\" height=\"" + number(at.height) + "\"";
}

}  // namespace

Placed place(const FigurePicture& picture, double x, double y, double side) {
  const double scale = side / double(std::max<int64_t>({picture.width, picture.height, 1}));
  const double w = scale * double(picture.width), h = scale * double(picture.height);
  return {x + (side - w) / 2, y + (side - h) / 2, w, h};
}

std::string picture_at(const FigurePicture& picture, const Placed& at, const std::string& name) {
  return "<image" + frame(at) + " preserveAspectRatio=\"none\" href=\"" + picture_uri(picture) +
         "\"><title>" + escape_markup(name) + "</title></image><rect" + frame(at) +
         " fill=\"none\" class=\"grid\"/>";
}

std::string box_at(const BoxD& box, double frame_width, double frame_height, const Placed& at,
                   const std::string& colour, BoxLine line) {
  const double sx = at.width / frame_width, sy = at.height / frame_height;
  const Placed r{at.x + box.x1 * sx, at.y + box.y1 * sy, box.width() * sx, box.height() * sy};
  return "<rect" + frame(r) + " fill=\"none\" stroke=\"" + colour + "\" stroke-width=\"" +
         (line == BoxLine::thick ? "3.5" : "2") + "\"" +
         (line == BoxLine::dashed   ? " stroke-dasharray=\"6 4\""
          : line == BoxLine::dotted ? " stroke-dasharray=\"1.5 3\""
                                    : "") +
         "/>";
}

std::string arrow_head(const std::string& id) {
  return "<defs><marker id=\"" + id +
         "\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" markerWidth=\"8\" markerHeight=\"8\" "
         "orient=\"auto\"><path d=\"M0 .5L7.5 4L0 7.5Z\" fill=\"var(--soft)\"/></marker></defs>";
}

std::string arrow(const std::string& path, const std::string& id) {
  return "<path d=\"" + path +
         "\" fill=\"none\" stroke=\"var(--soft)\" stroke-width=\"1.5\" marker-end=\"url(#" + id + ")\"/>";
}

}  // namespace cawe::report::svg
