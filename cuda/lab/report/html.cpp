// SPDX-License-Identifier: Apache-2.0
// The profile as one page: the table, and a drawing of each memory instruction's worst request.
#include <algorithm>

#include "cuda/lab/report/collect.h"
#include "tensor/io/format.h"

namespace cawe::kernel_report {
namespace {

constexpr uint64_t kIdle = ~uint64_t{0};

/// Sectors in the order of their addresses, or banks 0 to 31: what the lower row of a drawing shows.
std::vector<uint64_t> cells_of(const simt::Site& s) {
  std::vector<uint64_t> cells;
  if (s.space == simt::Space::shared) {
    for (uint64_t bank = 0; bank < 32; ++bank) cells.push_back(bank);
    return cells;
  }
  for (const uint64_t address : s.example) {
    if (address == kIdle) continue;
    for (uint64_t sector = address / 32; sector <= (address + uint64_t(s.bytes) - 1) / 32; ++sector)
      cells.push_back(sector);
  }
  std::sort(cells.begin(), cells.end());
  cells.erase(std::unique(cells.begin(), cells.end()), cells.end());
  return cells;
}

std::string lane_boxes(const simt::Site& s) {
  std::string out;
  for (size_t lane = 0; lane < s.example.size(); ++lane)
    out += printf_text(
        "<rect x='%zu' y='14' width='19' height='16' class='%s'/><text x='%.1f' y='26' class='n'>%zu</text>",
        lane * 22, s.example[lane] == kIdle ? "idle" : "lane", double(lane) * 22 + 9.5, lane);
  return out;
}

/// Lanes above, sectors or banks below, a line for each 4 bytes (or the whole narrower access).
std::string drawing(const simt::Site& s) {
  const std::vector<uint64_t> cells = cells_of(s);
  if (s.example.empty() || cells.empty()) return "";
  const bool global = s.space == simt::Space::global;
  const double step = 704.0 / double(cells.size());
  std::string out =
      "<svg viewBox='0 0 704 132' role='img'><text x='0' y='10' class='k'>lanes of the worst request</text>";
  out += lane_boxes(s);
  std::vector<int> uses(cells.size(), 0);
  for (size_t lane = 0; lane < s.example.size(); ++lane) {
    if (s.example[lane] == kIdle) continue;
    const unsigned words = std::max(1, s.bytes / 4);
    for (unsigned w = 0; w < words; ++w) {
      const uint64_t address = s.example[lane] + 4 * w, wanted = global ? address / 32 : address / 4 % 32;
      const size_t at = size_t(std::lower_bound(cells.begin(), cells.end(), wanted) - cells.begin());
      ++uses[at];
      out += printf_text("<line x1='%.1f' y1='30' x2='%.1f' y2='96'/>", double(lane) * 22 + 9.5,
                         (double(at) + 0.5) * step);
    }
  }
  for (size_t i = 0; i < cells.size(); ++i)
    out += printf_text("<rect x='%.1f' y='96' width='%.1f' height='16' class='%s'/>", double(i) * step,
                       std::max(step - 3, step * 0.8),
                       uses[i] == 0                                           ? "idle"
                       : (global ? uses[i] < 8 && s.bytes >= 4 : uses[i] > 1) ? "poor"
                                                                              : "good");
  out += printf_text("<text x='0' y='128' class='k'>%zu %s</text></svg>", cells.size(),
                     global ? "sectors of 32 B (orange: not all of it is used)"
                            : "banks of 4 B (orange: several words or lanes)");
  return out;
}

std::string site_block(const simt::Site& s) {
  const double requests = double(s.requests);
  return printf_text(
             "<figure><figcaption><b>%s:%d</b> %s %s of %d B a lane &mdash; %llu requests, %.1f lanes, %.2f "
             "%s each, "
             "ideal %.2f</figcaption>",
             escape_markup(s.file).c_str(), s.line, s.space == simt::Space::global ? "global" : "shared",
             s.access == simt::Access::load    ? "load"
             : s.access == simt::Access::store ? "store"
                                               : "atomic",
             s.bytes, static_cast<unsigned long long>(s.requests), double(s.lanes) / requests,
             double(s.units) / requests, s.space == simt::Space::global ? "sectors" : "wavefronts",
             double(s.ideal_units) / requests) +
         drawing(s) + "</figure>";
}

std::string table_row(const CaseProfile& r, size_t index) {
  const simt::Counters& c = r.result.counters;
  int registers = 0;
  double occupancy = 2;
  for (const LaunchLine& l : r.launches)
    if (l.resources) {
      registers = std::max(registers, l.resources->registers);
      occupancy = std::min(occupancy, l.occupancy->fraction);
    }
  const std::string known = occupancy <= 1 ? printf_text("<td>%d<td>%.0f %%", registers, 100 * occupancy)
                                           : "<td>&ndash;<td>&ndash;";
  return printf_text(
      "<tr class='%s'><td><a href='#c%zu'>%s</a><td>%s%s<td>%llu<td>%llu<td>%.1f %%<td>%llu<td>%.0f<td>%llu"
      "<td>%.1f %%<td>%.2f<td>&ndash;<td>%s</tr>\n",
      r.passed() ? "ok" : "bad", index, escape_markup(r.name).c_str(), escape_markup(r.shape).c_str(),
      known.c_str(), static_cast<unsigned long long>(c.global_requests),
      static_cast<unsigned long long>(c.global_sectors),
      c.global_sectors ? 100.0 * double(c.global_ideal_sectors) / double(c.global_sectors) : 100.0,
      static_cast<unsigned long long>(c.unique_read_bytes + c.unique_written_bytes),
      r.floor_read + r.floor_written, static_cast<unsigned long long>(c.shared_wavefronts),
      100 * c.simt_efficiency(), r.bound.us, r.passed() ? "holds" : "fails");
}

std::string case_section(const CaseProfile& r, size_t index, const gpu::Gpu& gpu) {
  std::string out = printf_text("<section id='c%zu'><h2>%s <small>%s &middot; %s</small></h2>", index,
                                escape_markup(r.name).c_str(), escape_markup(r.shape).c_str(),
                                escape_markup(r.file).c_str());
  if (!r.change.empty()) out += printf_text("<p>Step %d: %s</p>", r.step, escape_markup(r.change).c_str());
  for (const std::string& c : r.complaints) out += "<p class='bad'>" + escape_markup(c) + "</p>";
  for (const std::string& h : hints(r, gpu)) out += "<p class='hint'>" + escape_markup(h) + "</p>";
  for (const LaunchLine& l : r.launches) {
    out += printf_text("<h3>%s <small>grid %ux%ux%u, block %ux%ux%u</small></h3>",
                       escape_markup(l.report.kernel).c_str(), l.report.grid[0], l.report.grid[1],
                       l.report.grid[2], l.report.block[0], l.report.block[1], l.report.block[2]);
    for (const simt::Site& s : l.report.sites) out += site_block(s);
  }
  return out + "</section>\n";
}

constexpr const char* kStyle =
    "body{font:15px/1.45 system-ui,sans-serif;margin:2rem auto;max-width:76rem;padding:0 1rem;color:#1b1f24;"
    "background:#fff}table{border-collapse:collapse;font-size:13px;width:100%}th,td{padding:.2rem .5rem;"
    "text-align:right;border-bottom:1px solid #d8dee4;white-space:nowrap}th:first-child,td:first-child,"
    "th:nth-child(2),td:nth-child(2){text-align:left}tr.bad "
    "td,p.bad{color:#a40e26;font-weight:600}p.hint{color:#7a4b00}"
    "p.hint::before{content:'! '}small{color:#57606a;font-weight:400}figure{margin:.8rem "
    "0}figcaption{font-size:13px}"
    "svg{width:100%;max-width:704px;display:block}svg line{stroke:#57606a;stroke-width:.5;opacity:.55}"
    "svg .lane,svg .good{fill:#2f6f4f}svg .poor{fill:#c8701a}svg .idle{fill:#e5e9ee}svg "
    ".n{fill:#fff;font:8px sans-serif;"
    "text-anchor:middle}svg .k{fill:#57606a;font:10px sans-serif}.wide{overflow-x:auto}"
    "@media(prefers-color-scheme:dark){body{background:#0f1318;color:#e3e7ec}th,td{border-color:#2b323b}"
    "svg .idle{fill:#262d36}p.hint{color:#e0a458}tr.bad "
    "td,p.bad{color:#ff8a94}small,figcaption{color:#9aa4b0}"
    "a{color:#7fb4e8}svg .k{fill:#9aa4b0}}";

}  // namespace

std::string profiles_html(const KernelProfiles& p) {
  std::string out =
      "<!doctype html><html lang='en'><meta charset='utf-8'><meta name='viewport' "
      "content='width=device-width,initial-scale=1'><title>cawe kernels</title><style>";
  out += kStyle;
  out += "</style><h1>Kernels</h1><p>" + escape_markup(simt::limits_text()) + "</p>";
  out += printf_text(
      "<p>Occupancy and lower bound are of %s (%s). %s</p>", p.gpu->name, p.gpu->arch,
      p.no_resources.empty() ? "" : ("No registers and occupancy: " + p.no_resources + ".").c_str());
  out +=
      "<div "
      "class='wide'><table><thead><tr><th>kernel<th>shape<th>regs<th>occ.<th>requests<th>sectors<th>eff.<th>"
      "unique B"
      "<th>floor B<th>waves<th>SIMT<th>bound &micro;s<th>GPU<th></tr></thead><tbody>\n";
  for (size_t i = 0; i < p.cases.size(); ++i) out += table_row(p.cases[i], i);
  out += "</tbody></table></div>\n";
  for (size_t i = 0; i < p.cases.size(); ++i) out += case_section(p.cases[i], i, *p.gpu);
  return out + "</html>\n";
}

}  // namespace cawe::kernel_report
