// SPDX-License-Identifier: Apache-2.0
// Puts the logs of a warp's lanes side by side and counts what the hardware would do with each request.
//
// Lanes ran at different times. As long as all logs agree they are taken column by column. Where they part,
// the lane at the lowest program address goes first and the others wait, so that lanes meet again where the
// branches join: with blocks in source order (-fno-reorder-blocks) this is what a warp's mask does.
#include <algorithm>

#include "cuda/emulator/simt/core.h"

namespace cawe::simt::core {

void push_record(uint64_t address, uint32_t pc, Kind kind, unsigned bytes) {
  Thread& t = *current;
  if (t.logged >= launch_state.log_limit) wait_as(State::log_full);
  if (t.logged == t.log.size()) t.log.resize(std::max<size_t>(64, t.log.size() * 2));
  t.log[t.logged++] = {address, pc, t.call_hash, kind, uint8_t(bytes)};
}

namespace {

/// The lanes that take part in one request, and where each points.
struct Request {
  Record first;
  unsigned count = 0;
  std::array<uint64_t, kWarpSize> address{};
  std::array<uint8_t, kWarpSize> lane{};
};

uint64_t distinct(uint64_t* values, size_t n) {
  std::sort(values, values + n);
  return uint64_t(std::unique(values, values + n) - values);
}

bool consecutive(const Request& r) {
  for (unsigned i = 1; i < r.count; ++i)
    if (r.address[i] != r.address[i - 1] + r.first.bytes) return false;
  return true;
}

struct Units {
  uint64_t units, ideal;
};

/// Distinct 32-byte sectors, and how few would hold the distinct bytes.
Units global_sectors(const Request& r) {
  const uint64_t bytes = r.first.bytes;
  if (consecutive(r)) {
    const uint64_t sectors = (r.address[r.count - 1] + bytes - 1) / 32 - r.address[0] / 32 + 1;
    return {sectors, (r.count * bytes + 31) / 32};
  }
  std::array<uint64_t, 2 * kWarpSize> sector;
  std::array<uint64_t, kWarpSize> address = r.address;
  size_t n = 0;
  for (unsigned i = 0; i < r.count; ++i) {
    sector[n++] = address[i] / 32;
    if ((address[i] + bytes - 1) / 32 != address[i] / 32) sector[n++] = address[i] / 32 + 1;
  }
  return {distinct(sector.data(), n), (distinct(address.data(), r.count) * bytes + 31) / 32};
}

/// Passes through the 32 banks of 4 bytes: 1, 2 or 4 phases for 4-, 8- and 16-byte lanes; in a phase the most
/// distinct words that fall into one bank.
Units shared_wavefronts(const Request& r) {
  const unsigned phases = r.first.bytes >= 16  ? 4
                          : r.first.bytes == 8 ? 2
                                               : 1,
                 per_phase = kWarpSize / phases;
  const unsigned words = std::max(1u, unsigned(r.first.bytes) / 4);
  Units total{0, 0};
  for (unsigned phase = 0; phase < phases; ++phase) {
    std::array<uint64_t, kWarpSize> word;
    size_t n = 0;
    for (unsigned i = 0; i < r.count; ++i)
      if (r.lane[i] / per_phase == phase)
        for (unsigned w = 0; w < words; ++w) word[n++] = r.address[i] / 4 + w;
    if (n == 0) continue;
    n = distinct(word.data(), n);
    std::array<unsigned, 32> in_bank{};
    for (size_t i = 0; i < n; ++i) ++in_bank[word[i] % 32];
    total.units += *std::max_element(in_bank.begin(), in_bank.end());
    total.ideal += (n + 31) / 32;
  }
  return total;
}

/// Lanes that meet on one address go one after another.
uint64_t serial_steps(const Request& r) {
  std::array<uint64_t, kWarpSize> address = r.address;
  std::sort(address.begin(), address.begin() + r.count);
  uint64_t run = 1, longest = 1;
  for (unsigned i = 1; i < r.count; ++i) {
    run = address[i] == address[i - 1] ? run + 1 : 1;
    longest = std::max(longest, run);
  }
  return longest;
}

void keep_example(Site& s, const Request& r, uint64_t units) {
  if (!s.example.empty() && units <= s.example.back()) return;
  s.example.assign(kWarpSize + 1, ~uint64_t{0});
  for (unsigned i = 0; i < r.count; ++i) s.example[r.lane[i]] = r.address[i];
  s.example.back() = units;  // dropped when the report is made
}

void count(const Request& r) {
  Counters& c = launch_state.counters;
  if (r.first.kind == Kind::basic_block) {
    ++c.block_groups;
    c.block_lanes += r.count;
    return;
  }
  const bool global = r.first.kind <= Kind::atomic_global;
  const Units u = global ? global_sectors(r) : shared_wavefronts(r);
  Site& s = launch_state.sites[{r.first.pc, r.first.context, r.first.kind}];
  s.space = global ? Space::global : Space::shared;
  s.access = Access(uint8_t(r.first.kind) % 3);
  s.bytes = r.first.bytes;
  ++s.requests;
  s.lanes += r.count;
  s.units += u.units;
  s.ideal_units += u.ideal;
  keep_example(s, r, u.units);
  if (s.access == Access::atomic) {
    const uint64_t steps = serial_steps(r);
    s.serial_steps += steps;
    ++c.atomic_requests;
    c.atomic_serial_steps += steps;
  }
  if (global) {
    ++c.global_requests;
    c.global_sectors += u.units;
    c.global_ideal_sectors += u.ideal;
    c.global_bytes += uint64_t(r.count) * r.first.bytes;
  } else {
    ++c.shared_requests;
    c.shared_wavefronts += u.units;
    c.shared_ideal_wavefronts += u.ideal;
  }
}

bool same_instruction(const Record& a, const Record& b) {
  return a.pc == b.pc && a.context == b.context && a.kind == b.kind;
}

/// Columns on which all lanes agree; returns how many there were.
uint32_t replay_together(const Warp& w) {
  uint32_t shortest = ~0u;
  for (unsigned i = 0; i < w.size; ++i) shortest = std::min(shortest, w.lanes[i]->logged);
  Request r;
  r.count = w.size;
  for (unsigned i = 0; i < w.size; ++i) r.lane[i] = uint8_t(i);
  for (uint32_t k = 0; k < shortest; ++k) {
    r.first = w.lanes[0]->log[k];
    for (unsigned i = 0; i < w.size; ++i) {
      const Record& lane = w.lanes[i]->log[k];
      if (!same_instruction(lane, r.first)) return k;
      r.address[i] = lane.address;
    }
    count(r);
  }
  return shortest;
}

/// Where lanes have parted: lowest address first. Stops where a paused lane's log is used up, since what it
/// does next is not known yet.
void replay_apart(const Warp& w, std::array<uint32_t, kWarpSize>& at) {
  for (;;) {
    const Record* lowest = nullptr;
    for (unsigned i = 0; i < w.size; ++i) {
      const Thread& t = *w.lanes[i];
      if (at[i] == t.logged) {
        if (t.state == State::log_full) return;
        continue;
      }
      const Record& next = t.log[at[i]];
      if (lowest == nullptr || next.pc < lowest->pc) lowest = &next;
    }
    if (lowest == nullptr) return;
    Request r;
    r.first = *lowest;
    for (unsigned i = 0; i < w.size; ++i) {
      const Thread& t = *w.lanes[i];
      if (at[i] == t.logged || !same_instruction(t.log[at[i]], r.first)) continue;
      r.lane[r.count] = uint8_t(i);
      r.address[r.count++] = t.log[at[i]++].address;
    }
    count(r);
  }
}

}  // namespace

void replay(Warp& w) {
  if (launch_state.level != Level::profile) return;
  std::array<uint32_t, kWarpSize> at{};
  at.fill(replay_together(w));
  replay_apart(w, at);
  for (unsigned i = 0; i < w.size; ++i) {
    Thread& t = *w.lanes[i];
    std::copy(t.log.begin() + at[i], t.log.begin() + t.logged, t.log.begin());
    t.logged -= at[i];
  }
}

}  // namespace cawe::simt::core
