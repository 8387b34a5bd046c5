// SPDX-License-Identifier: Apache-2.0
#include "tensor/text.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <mutex>
#include <numeric>
#include <set>

namespace cawe {
namespace {

size_t edit_distance(const std::string& a, const std::string& b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t above = row[j];
      row[j] = std::min({above + 1, row[j - 1] + 1, diagonal + (a[i - 1] != b[j - 1])});
      diagonal = above;
    }
  }
  return row[b.size()];
}

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace

std::string lower(std::string text) {
  for (char& c : text)
    if (c >= 'A' && c <= 'Z') c = char(c - 'A' + 'a');
  return text;
}

std::string nearest_name(const std::string& name, const std::vector<std::string>& candidates) {
  // Nobody mistypes a name of this length; the time goes with the product of the lengths.
  constexpr size_t kLongestName = 256;
  std::string best;
  if (name.size() > kLongestName) return best;
  size_t distance = SIZE_MAX;
  for (const std::string& candidate : candidates) {
    const size_t d = edit_distance(name, candidate);
    if (d < distance && d <= std::max(name.size(), candidate.size()) / 3 + 2) {
      distance = d;
      best = candidate;
    }
  }
  return best;
}

size_t utf8_character(std::string_view text, uint32_t* character) {
  const auto byte = [&](size_t i) { return uint32_t(static_cast<unsigned char>(text[i])); };
  const uint32_t first = byte(0);
  const size_t length = first < 0x80                    ? 1
                        : first >= 0xc2 && first < 0xe0 ? 2
                        : first >= 0xe0 && first < 0xf0 ? 3
                        : first >= 0xf0 && first < 0xf5 ? 4
                                                        : 0;
  if (length == 0 || length > text.size()) return 0;
  *character = length == 1 ? first : first & (0x7fu >> length);
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
    *character = *character << 6 | (byte(i) & 0x3f);
  }
  const bool overlong = (length == 3 && *character < 0x800) || (length == 4 && *character < 0x10000);
  const bool surrogate = *character >= 0xd800 && *character < 0xe000;
  return overlong || surrogate || *character > 0x10ffff ? 0 : length;
}

bool is_control(uint32_t c) {
  return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x061c || (c >= 0x200b && c <= 0x200f) ||
         (c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x2069) || c == 0xfeff;
}

namespace {

std::string shown_as(std::string_view character, bool invalid, uint32_t c) {
  char escaped[16];
  if (invalid || (is_control(c) && c < 0x100)) {
    if (!invalid && (c == '\n' || c == '\r' || c == '\t')) return " ";
    std::snprintf(escaped, sizeof escaped, "\\x%02x",
                  invalid ? unsigned(static_cast<unsigned char>(character[0])) : unsigned(c));
    return escaped;
  }
  if (!is_control(c)) return std::string(character);
  std::snprintf(escaped, sizeof escaped, "\\u%04x", unsigned(c));
  return escaped;
}

}  // namespace

bool is_utf8(std::string_view text) {
  uint32_t character = 0;
  while (!text.empty()) {
    const size_t length = utf8_character(text, &character);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

std::string printable(std::string_view whole, size_t most) {
  // No character is shown in fewer bytes than it has: of a long text both ends are enough, which keeps a megabyte
  // that a file repeats a million times cheap. What is cut in two there is left out below.
  std::string ends;
  if (most < whole.size() / 2 && whole.size() - 2 * most > 16)
    ends = std::string(whole.substr(0, most + 8)) + std::string(whole.substr(whole.size() - most - 8));
  const std::string_view text = ends.empty() ? whole : std::string_view(ends);
  std::vector<std::string> shown;  // by character, so that none is cut in two
  size_t bytes = 0;
  for (size_t i = 0; i < text.size();) {
    uint32_t c = 0;
    const size_t length = utf8_character(text.substr(i), &c);
    shown.push_back(shown_as(text.substr(i, std::max<size_t>(length, 1)), length == 0, c));
    bytes += shown.back().size();
    i += std::max<size_t>(length, 1);
  }
  size_t head = 0, tail = shown.size();
  if (bytes > most) {
    for (size_t used = 0; head < shown.size() && used + shown[head].size() <= most / 2; ++head)
      used += shown[head].size();
    for (size_t used = 0; tail > head && used + shown[tail - 1].size() <= most / 2; --tail)
      used += shown[tail - 1].size();
  }
  std::string out;
  for (size_t i = 0; i < head; ++i) out += shown[i];
  if (bytes > most) out += "…";
  for (size_t i = bytes > most ? tail : head; i < shown.size(); ++i) out += shown[i];
  return out;
}

std::string listed(const std::vector<std::string>& items, const std::string& between, size_t most) {
  std::string out;
  for (size_t i = 0; i < std::min(items.size(), most); ++i) out += (i ? between : "") + items[i];
  return items.size() > most ? out + " and " + std::to_string(items.size() - most) + " more" : out;
}

std::string shell_text(const std::vector<std::string>& words) {
  constexpr const char* plain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_@%+=:,./-";
  std::string out;
  for (const std::string& word : words) {
    if (!out.empty()) out += " ";
    if (!word.empty() && word.find_first_not_of(plain) == std::string::npos) {
      out += word;
      continue;
    }
    out += "'";
    for (const char c : word) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
    out += "'";
  }
  return out;
}

std::string counted(int64_t number, const std::string& one, const std::string& many) {
  return std::to_string(number) + " " + (number == 1 ? one : many.empty() ? one + "s" : many);
}

void warn_once(const std::string& text) {
  static std::mutex mutex;
  static std::set<std::string> given;
  const std::lock_guard<std::mutex> lock(mutex);
  if (given.insert(text).second) std::fprintf(stderr, "cawe: warning: %s\n", printable(text, 2000).c_str());
}

std::string format_duration(double seconds) {
  char text[48];
  const long whole = long(seconds + 0.5);
  if (seconds < 59.5)
    std::snprintf(text, sizeof text, seconds < 10 ? "%.1f s" : "%.0f s", seconds);
  else if (whole < 3600)
    std::snprintf(text, sizeof text, "%ld min %02ld s", whole / 60, whole % 60);
  else
    std::snprintf(text, sizeof text, "%ld h %02ld min", whole / 3600, whole % 3600 / 60);
  return text;
}

Progress::Progress(std::string label, int64_t total, bool quiet)
    : label_(std::move(label)),
      total_(total),
      quiet_(quiet),
      terminal_(isatty(2) == 1),
      start_(now()),
      last_(start_) {}

Progress::~Progress() {
  if (drawn_ && terminal_) std::fprintf(stderr, "\r\033[K");
}

void Progress::update(int64_t done, const std::string& note) {
  if (quiet_) return;
  const double t = now();
  if (t - start_ < 2.0 || t - last_ < (terminal_ ? 0.2 : 10.0)) return;
  last_ = t;
  drawn_ = true;
  const double share = total_ > 0 ? double(done) / double(total_) : 0;
  const std::string eta = share > 0 ? format_duration((t - start_) * (1 - share) / share) : "?";
  constexpr int kWidth = 24;
  std::string bar(size_t(kWidth), '.');
  std::fill(bar.begin(), bar.begin() + std::min(kWidth, int(share * kWidth)), '#');
  std::fprintf(stderr, "%s%s [%s] %lld/%lld, %s left%s%s%s", terminal_ ? "\r\033[K" : "", label_.c_str(),
               bar.c_str(), static_cast<long long>(done), static_cast<long long>(total_), eta.c_str(),
               note.empty() ? "" : ", ", note.c_str(), terminal_ ? "" : "\n");
  std::fflush(stderr);
}

}  // namespace cawe
