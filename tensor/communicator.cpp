// SPDX-License-Identifier: Apache-2.0
#include "tensor/communicator.h"

#include <algorithm>
#include <condition_variable>
#include <cstring>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

#include "tensor/error.h"
#include "tensor/parallel.h"

namespace cawe {
namespace {

class SingleRank final : public Communicator {
 public:
  int rank() const override { return 0; }
  int size() const override { return 1; }
  void exchange(int partner, const void*, void*, size_t) override {
    fail(Code::internal, "communicator: a single rank cannot exchange with rank ", partner);
  }
  void barrier() override {}
};

template <class T>
void tree_all_reduce(Communicator& c, T* values, int64_t n) {
  if (c.size() == 1) return;
  std::vector<T> other(static_cast<size_t>(n));
  for (int step = 1; step < c.size(); step *= 2) {
    const int partner = c.rank() ^ step;
    c.exchange(partner, values, other.data(), size_t(n) * sizeof(T));
    // Addition is commutative in its bits, so both partners get the same sum.
    for (int64_t i = 0; i < n; ++i) values[i] += other[size_t(i)];
  }
}

/// What the ranks of one process share: a mailbox for each pair of ranks, and a barrier.
struct Group {
  explicit Group(int n)
      : ranks(n), mail(size_t(n) * size_t(n), nullptr), taken(size_t(n) * size_t(n), true) {}
  int ranks;
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<const void*> mail;  // mail[from * ranks + to]
  std::vector<char> taken;
  int waiting = 0;
  uint64_t round = 0;
  bool broken = false;

  template <class Ready>
  void wait(std::unique_lock<std::mutex>& lock, Ready ready) {
    changed.wait(lock, [&] { return broken || ready(); });
    CAWE_CHECK(!broken, Code::interrupted, "another rank failed");
  }
};

class InProcessRank final : public Communicator {
 public:
  InProcessRank(Group& group, int rank) : group_(group), rank_(rank) {}
  int rank() const override { return rank_; }
  int size() const override { return group_.ranks; }

  void exchange(int partner, const void* send, void* receive, size_t bytes) override {
    const size_t out = size_t(rank_ * group_.ranks + partner), in = size_t(partner * group_.ranks + rank_);
    std::unique_lock<std::mutex> lock(group_.mutex);
    group_.mail[out] = send;
    group_.taken[out] = false;
    group_.changed.notify_all();
    group_.wait(lock, [&] { return !group_.taken[in]; });
    std::memcpy(receive, group_.mail[in], bytes);
    group_.taken[in] = true;
    group_.changed.notify_all();
    // The partner has copied: `send` may be reused from here on.
    group_.wait(lock, [&] { return bool(group_.taken[out]); });
  }

  void barrier() override {
    std::unique_lock<std::mutex> lock(group_.mutex);
    const uint64_t round = group_.round;
    if (++group_.waiting == group_.ranks) {
      group_.waiting = 0;
      ++group_.round;
      group_.changed.notify_all();
      return;
    }
    group_.wait(lock, [&] { return group_.round != round; });
  }

 private:
  Group& group_;
  int rank_;
};

SingleRank single_rank;
thread_local Communicator* current = &single_rank;

}  // namespace

void Communicator::all_reduce_sum(float* values, int64_t n) { tree_all_reduce(*this, values, n); }
void Communicator::all_reduce_sum(double* values, int64_t n) { tree_all_reduce(*this, values, n); }

void Communicator::broadcast(void* data, size_t bytes) {
  std::vector<char> other(bytes);
  for (int step = 1; step < size(); step *= 2) {
    // After this step, ranks below 2 * step have rank 0's bytes.
    if (rank() >= 2 * step) continue;
    exchange(rank() ^ step, data, other.data(), bytes);
    if (rank() >= step) std::memcpy(data, other.data(), bytes);
  }
}

bool Communicator::any(bool flag) {
  double sum = flag ? 1 : 0;
  all_reduce_sum(&sum, 1);
  return sum > 0;
}

Communicator& current_communicator() { return *current; }

CommunicatorScope::CommunicatorScope(Communicator& communicator) : previous_(current) {
  current = &communicator;
}
CommunicatorScope::~CommunicatorScope() { current = previous_; }

void run_in_process_ranks(int ranks, int threads, const std::function<void(int)>& body) {
  CAWE_CHECK(ranks >= 1 && (ranks & (ranks - 1)) == 0, Code::usage, "ranks: ", ranks,
             " (expected a power of two)");
  Group group(ranks);
  std::vector<std::exception_ptr> errors(static_cast<size_t>(ranks));
  std::vector<char> secondary(size_t(ranks), false);
  std::vector<std::thread> workers;
  for (int r = 0; r < ranks; ++r) {
    workers.emplace_back([&, r] {
      InProcessRank communicator(group, r);
      CommunicatorScope scope(communicator);
      try {
        set_num_threads(threads);
        body(r);
      } catch (...) {  // carried to the caller, which throws it again
        std::lock_guard<std::mutex> lock(group.mutex);
        errors[size_t(r)] = std::current_exception();
        secondary[size_t(r)] = group.broken;
        group.broken = true;
        group.changed.notify_all();
      }
    });
  }
  for (auto& w : workers) w.join();
  for (int pass = 0; pass < 2; ++pass)  // what failed first, then what failed because of it
    for (size_t r = 0; r < errors.size(); ++r)
      if (errors[r] && bool(secondary[r]) == (pass == 1)) std::rethrow_exception(errors[r]);
}

}  // namespace cawe
