// SPDX-License-Identifier: Apache-2.0
// Threads and lanes: how work is cut so that its result has the same bits on any number of threads and ranks.
//
// A batch is cut into lanes. A lane is computed by one thread; sums over the batch are made per lane and
// added by one fixed binary tree over the lanes. Threads and ranks only decide who computes a lane.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

namespace cawe {

/// Threads that run lanes for the calling thread (itself included). Each in-process rank has its own.
int num_threads();
void set_num_threads(int threads);

/// Runs task(0) … task(count - 1), each once, each on one thread; returns when all are done. Which thread
/// runs which task is not fixed: a task may depend on nothing but its index. Nested calls run in the caller.
/// The first exception (by index) is thrown again here. Tasks treat denormals as the caller does
/// (denormals.h).
void parallel_tasks(int64_t count, const std::function<void(int64_t)>& task);

/// Splits [0, n) into chunks of `grain` and runs body(begin, end) for each. For work whose result does not
/// depend on where it is cut (element-wise); the cut depends on n and grain alone all the same.
void parallel_for(int64_t n, int64_t grain, const std::function<void(int64_t, int64_t)>& body);

/// How a batch of n items is cut into `lanes` parts: the first n % lanes parts have one item more. Aligned
/// halves, quarters… of the parts cut their own items by the same rule, which is what lets ranks share them.
struct LanePlan {
  int64_t items = 0;
  int64_t lanes = 1;
  int64_t begin(int64_t lane) const {
    return lane * (items / lanes) + (lane < items % lanes ? lane : items % lanes);
  }
  int64_t end(int64_t lane) const { return begin(lane + 1); }
};

/// The plan for a local batch of n items: the lanes of this rank (LaneScope), by default the largest power of
/// two <= min(8, n).
LanePlan lane_plan(int64_t n);
/// Largest power of two <= min(lanes, batch); at least 1.
int64_t effective_lanes(int64_t lanes, int64_t batch);

/// Sets the calling thread's number of local lanes (global lanes / ranks) while it lives.
class LaneScope {
 public:
  explicit LaneScope(int64_t local_lanes);
  ~LaneScope();
  LaneScope(const LaneScope&) = delete;
  LaneScope& operator=(const LaneScope&) = delete;

 private:
  int64_t previous_;
};

/// out[0..n) = sum over the plan's lanes of what compute(lane, begin, end, partial) writes to partial[0..n),
/// added along the binary tree ((l0 + l1) + (l2 + l3)) + …; a pair is added as soon as both are there, so
/// that few partial buffers live at once. compute must write every element. `out` is overwritten. T is float
/// or double.
template <class T>
void lane_sum(const LanePlan& plan, int64_t n, T* out,
              const std::function<void(int64_t lane, int64_t begin, int64_t end, T* partial)>& compute);

/// sum of x[0..n) by fixed blocks of 1024 and a tree over them: the same bits however it is run.
double tree_sum(const float* x, int64_t n);
double tree_sum(const double* x, int64_t n);

}  // namespace cawe
