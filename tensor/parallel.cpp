// SPDX-License-Identifier: Apache-2.0
#include "tensor/parallel.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

#include "tensor/arena.h"
#include "tensor/denormals.h"
#include "tensor/error.h"
#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace cawe {
namespace {

void relax() {
#if defined(__x86_64__)
  _mm_pause();
#endif
}

/// One batch of tasks: workers and the caller draw indices until none is left.
struct Job {
  const std::function<void(int64_t)>* task;
  int64_t count;
  bool flush_denormals;
  std::atomic<int64_t> next{0};
  std::atomic<int> inside{0};
  std::mutex mutex;
  std::exception_ptr error;
  int64_t error_index = -1;

  void run() {
    for (int64_t i; (i = next.fetch_add(1, std::memory_order_relaxed)) < count;) {
      try {
        (*task)(i);
      } catch (...) {  // carried to the caller, which throws it again
        std::lock_guard<std::mutex> lock(mutex);
        if (error_index < 0 || i < error_index) {
          error_index = i;
          error = std::current_exception();
        }
      }
    }
  }
};

thread_local bool inside_task = false;

class Pool {
 public:
  explicit Pool(int threads) {
    for (int i = 1; i < threads; ++i) workers_.emplace_back([this] { work(); });
  }
  ~Pool() {
    {
      std::lock_guard<std::mutex> lock(mutex_);
      stop_ = true;
      generation_.fetch_add(1);
    }
    wake_.notify_all();
    for (auto& w : workers_) w.join();
  }
  int threads() const { return int(workers_.size()) + 1; }

  void run(Job& job) {
    {
      std::lock_guard<std::mutex> lock(mutex_);
      job_ = &job;
      generation_.fetch_add(1, std::memory_order_release);
    }
    wake_.notify_all();
    inside_task = true;
    job.run();
    inside_task = false;
    {
      std::lock_guard<std::mutex> lock(mutex_);
      job_ = nullptr;  // no worker enters from here on
    }
    while (job.inside.load(std::memory_order_acquire) != 0) relax();
  }

 private:
  /// Layers follow each other within tens of microseconds: a worker spins for a while before it sleeps.
  static constexpr int kSpins = 2000;

  void work() {
    uint64_t seen = 0;
    inside_task = true;
    for (;;) {
      for (int i = 0; i < kSpins && generation_.load(std::memory_order_acquire) == seen; ++i) relax();
      Job* job = nullptr;
      {
        std::unique_lock<std::mutex> lock(mutex_);
        wake_.wait(lock, [&] { return generation_.load() != seen; });
        seen = generation_.load();
        if (stop_) return;
        job = job_;
        if (job != nullptr) job->inside.fetch_add(1, std::memory_order_acq_rel);
      }
      if (job == nullptr) continue;
      detail::set_flush_denormals(job->flush_denormals);
      job->run();
      job->inside.fetch_sub(1, std::memory_order_acq_rel);
    }
  }

  std::mutex mutex_;
  std::condition_variable wake_;
  std::atomic<uint64_t> generation_{0};
  bool stop_ = false;
  Job* job_ = nullptr;
  std::vector<std::thread> workers_;
};

/// Each thread that starts parallel work has a pool of its own: in-process ranks do not share one.
thread_local std::unique_ptr<Pool> pool;
thread_local int64_t local_lanes = 0;

Pool& current_pool() {
  if (!pool) pool = std::make_unique<Pool>(std::max(1, int(std::thread::hardware_concurrency())));
  return *pool;
}

}  // namespace

int num_threads() { return current_pool().threads(); }

void set_num_threads(int threads) {
  CAWE_CHECK(threads >= 1 && threads <= 1024, Code::usage, "threads: ", threads, " (expected 1 to 1024)");
  CAWE_CHECK(!inside_task, Code::internal, "set_num_threads inside a parallel task");
  if (!pool || pool->threads() != threads) pool = std::make_unique<Pool>(threads);
}

void parallel_tasks(int64_t count, const std::function<void(int64_t)>& task) {
  if (count <= 0) return;
  if (inside_task || count == 1 || num_threads() == 1) {
    for (int64_t i = 0; i < count; ++i) task(i);
    return;
  }
  Job job;
  job.task = &task;
  job.count = count;
  job.flush_denormals = denormals_are_flushed();
  current_pool().run(job);
  if (job.error) std::rethrow_exception(job.error);
}

void parallel_for(int64_t n, int64_t grain, const std::function<void(int64_t, int64_t)>& body) {
  if (n <= 0) return;
  grain = std::max<int64_t>(1, grain);
  const int64_t chunks = (n + grain - 1) / grain;
  if (chunks == 1) return body(0, n);
  parallel_tasks(chunks, [&](int64_t c) { body(c * grain, std::min(n, (c + 1) * grain)); });
}

int64_t effective_lanes(int64_t lanes, int64_t batch) {
  int64_t power = 1;
  while (power * 2 <= std::min(lanes, batch)) power *= 2;
  return power;
}

LanePlan lane_plan(int64_t n) {
  constexpr int64_t kDefaultLanes = 8;
  return {n, effective_lanes(local_lanes > 0 ? local_lanes : kDefaultLanes, n)};
}

LaneScope::LaneScope(int64_t lanes) : previous_(local_lanes) { local_lanes = lanes; }
LaneScope::~LaneScope() { local_lanes = previous_; }

namespace {

template <class T>
class Buffer {
 public:
  explicit Buffer(int64_t n)
      : bytes_(size_t(n) * sizeof(T)), data_(static_cast<T*>(Arena::cpu().allocate(bytes_))) {}
  ~Buffer() { Arena::cpu().release(data_, bytes_); }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  T* data() const { return data_; }

 private:
  size_t bytes_;
  T* data_;
};

}  // namespace

template <class T>
void lane_sum(const LanePlan& plan, int64_t n, T* out,
              const std::function<void(int64_t, int64_t, int64_t, T*)>& compute) {
  const int64_t lanes = plan.lanes;
  if (lanes == 1) return compute(0, plan.begin(0), plan.end(0), out);
  std::vector<std::unique_ptr<Buffer<T>>> partial(static_cast<size_t>(lanes));
  std::mutex mutex;
  // done[l]: lanes l .. l + done[l] - 1 are summed into l's buffer.
  std::vector<int64_t> done(size_t(lanes), 0);
  parallel_tasks(lanes, [&](int64_t lane) {
    // Lane 0 works in `out` itself: it is the root of the tree.
    auto buffer = lane == 0 ? nullptr : std::make_unique<Buffer<T>>(n);
    compute(lane, plan.begin(lane), plan.end(lane), lane == 0 ? out : buffer->data());
    int64_t left = lane, width = 1;
    std::unique_lock<std::mutex> lock(mutex);
    partial[size_t(lane)] = std::move(buffer);
    done[size_t(lane)] = 1;
    while (width < lanes) {
      const int64_t a = left / (2 * width) * (2 * width), b = a + width;
      if (done[size_t(a)] != width || done[size_t(b)] != width) break;  // the other half adds when it arrives
      done[size_t(b)] = 0;
      done[size_t(a)] = -1;  // taken
      T* to = a == 0 ? out : partial[size_t(a)]->data();
      auto from = std::move(partial[size_t(b)]);
      lock.unlock();
      const T* p = from->data();
      for (int64_t i = 0; i < n; ++i) to[i] += p[i];
      from.reset();
      lock.lock();
      width *= 2;
      left = a;
      done[size_t(a)] = width;
    }
  });
}

template void lane_sum(const LanePlan&, int64_t, float*,
                       const std::function<void(int64_t, int64_t, int64_t, float*)>&);
template void lane_sum(const LanePlan&, int64_t, double*,
                       const std::function<void(int64_t, int64_t, int64_t, double*)>&);

namespace {

template <class T>
double tree_sum_of(const T* x, int64_t n) {
  constexpr int64_t kBlock = 1024;
  if (n <= kBlock) {
    double sum[4] = {0, 0, 0, 0};  // four chains: one would wait for its own last addition
    for (int64_t i = 0; i < n; ++i) sum[i & 3] += double(x[i]);
    return (sum[0] + sum[1]) + (sum[2] + sum[3]);
  }
  const int64_t half = ((n / kBlock + 1) / 2) * kBlock;
  return tree_sum_of(x, half) + tree_sum_of(x + half, n - half);
}

}  // namespace

double tree_sum(const float* x, int64_t n) { return tree_sum_of(x, n); }
double tree_sum(const double* x, int64_t n) { return tree_sum_of(x, n); }

}  // namespace cawe
