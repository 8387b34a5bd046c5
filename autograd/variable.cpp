// SPDX-License-Identifier: Apache-2.0
#include "autograd/variable.h"

#include <atomic>
#include <queue>
#include <unordered_map>
#include <unordered_set>

#include "tensor/communicator.h"
#include "tensor/primitives/elementwise.h"
#include "tensor/primitives/memory.h"
#include "tensor/profile.h"

namespace cawe {
namespace {

thread_local bool recording = true;
thread_local bool checking = false;
std::atomic<uint64_t> next_sequence{1};

/// slot.grad += g; the first g is taken over without a copy.
void add_gradient(GradSlot& slot, const Tensor& g) {
  if (!slot.grad.defined()) {
    slot.grad = g;
    return;
  }
  if (slot.grad.dtype() != slot.dtype) slot.grad = slot.grad.to(slot.dtype);  // it had stayed in 16 bits
  CAWE_CHECK(slot.grad.shape() == g.shape(), Code::internal, "backward: gradients of shapes ",
             slot.grad.shape(), " and ", g.shape(), " meet");
  // A first gradient may share its storage with a dy or with another input's gradient: then it is copied
  // before anything is added to it.
  if (!slot.grad.owns_storage_alone() || !slot.grad.is_dense()) slot.grad = slot.grad.clone();
  primitives::accumulate(g, slot.grad);
}

/// Sum over the ranks, along the lanes' tree.
Tensor over_ranks(const Tensor& g) {
  Communicator& ranks = current_communicator();
  if (ranks.size() == 1) return g;
  Tensor sum = g.contiguous().clone();
  CAWE_CHECK(sum.dtype() == DType::f32 || sum.dtype() == DType::f64, Code::dtype, "backward: gradients of ",
             name(sum.dtype()), " are not summed over ranks");
  if (sum.dtype() == DType::f32)
    ranks.all_reduce_sum(sum.data<float>(), sum.numel());
  else
    ranks.all_reduce_sum(sum.data<double>(), sum.numel());
  return sum;
}

/// Adds what operators return to the slots of their inputs, in the order in which it comes. What a leaf gets in another
/// type than its own (16-bit gradients of an f32 parameter) waits until the walk is done or something in its own type
/// comes: a device then converts all of a network's gradients at once.
class Receiver {
 public:
  explicit Receiver(bool may_wait) : may_wait_(may_wait) {}

  void add(const std::shared_ptr<GradSlot>& slot, const Tensor& g) {
    if (slot->shared_by_ranks && current_communicator().size() > 1)
      return add_gradient(*slot, over_ranks(g.to(slot->dtype)));
    if (may_wait_ && !slot->creator && g.dtype() != slot->dtype) {
      waiting_.emplace_back(slot, g);
      ++waiting_for_[slot.get()];
      return;
    }
    if (waiting_for_.erase(slot.get()) > 0)
      for (auto& [owner, earlier] : waiting_)
        if (owner == slot && earlier.defined()) {
          add_gradient(*slot, earlier.to(slot->dtype));
          earlier = Tensor();
        }
    add_gradient(*slot, g.to(slot->dtype));
  }

  void finish() {
    std::vector<Tensor> from, to;
    for (auto& [slot, g] : waiting_) {
      if (!g.defined()) continue;
      if (stays(*slot, g)) {
        slot->grad = g;
        g = Tensor();
        continue;
      }
      from.push_back(g);
      to.push_back(Tensor::like(g, slot->dtype));
    }
    if (from.empty()) return;
    primitives::copy_list(from, to);
    from.clear();
    size_t next = 0;
    for (auto& [slot, g] : waiting_) {
      if (!g.defined()) continue;
      g = std::move(to[next++]);
      add_gradient(*slot, g);
      g = Tensor();  // the slot owns it alone
    }
  }

 private:
  bool stays(const GradSlot& slot, const Tensor& g) const {
    return slot.may_stay_narrow && size_of(g.dtype()) == 2 && !slot.grad.defined() &&
           waiting_for_.at(&slot) == 1;
  }

  bool may_wait_;
  std::vector<std::pair<std::shared_ptr<GradSlot>, Tensor>> waiting_;  // in the order of arrival
  std::unordered_map<const GradSlot*, int> waiting_for_;               // how many wait for a slot
};

struct LaterFirst {
  bool operator()(const std::shared_ptr<Node>& a, const std::shared_ptr<Node>& b) const {
    return a->sequence < b->sequence;
  }
};

/// Runs the recorded nodes in reverse. `keep`: slots whose gradients must survive although they are not
/// leaves. Without `leaves`, no other leaf (a parameter on the way) gets a gradient.
void run_backward(const std::shared_ptr<GradSlot>& root, const std::unordered_set<const GradSlot*>& keep,
                  bool leaves) {
  std::priority_queue<std::shared_ptr<Node>, std::vector<std::shared_ptr<Node>>, LaterFirst> ready;
  // Waiting nodes, each with the slots of its outputs. A node does not own these, and the consumer that did
  // is freed as soon as it is done, possibly before the gradient that it left there was read.
  std::unordered_map<const Node*, std::vector<std::shared_ptr<GradSlot>>> waiting;
  auto visit = [&](const std::shared_ptr<GradSlot>& slot) {
    if (!slot || !slot->creator) return;
    const auto [entry, first] = waiting.try_emplace(slot->creator.get());
    entry->second.push_back(slot);
    if (first) ready.push(slot->creator);
  };
  visit(root);
  Receiver receiver(leaves);
  while (!ready.empty()) {
    const std::shared_ptr<Node> node = ready.top();
    ready.pop();
    CAWE_CHECK(node->backward != nullptr, Code::internal, "backward: the graph at '", node->name,
               "' was already used and freed");
    std::vector<Tensor> dys;
    bool any = false;
    for (auto& weak : node->outputs) {
      const auto slot = weak.lock();
      Tensor dy = slot ? slot->grad : Tensor();
      if (slot && !keep.count(slot.get())) slot->grad = Tensor();
      any |= dy.defined();
      dys.push_back(std::move(dy));
    }
    for (auto& input : node->inputs) visit(input);
    if (any) {
      ProfileScope scope(node->name);
      const Grads grads = node->backward(dys);
      CAWE_CHECK(grads.size() == node->inputs.size(), Code::internal, "backward: '", node->name,
                 "' returned ", grads.size(), " gradients for ", node->inputs.size(), " inputs");
      dys.clear();
      for (size_t i = 0; i < grads.size(); ++i) {
        const std::shared_ptr<GradSlot>& input = node->inputs[i];
        if (!input || !input->requires_grad || !grads[i].defined()) continue;
        if (leaves || input->creator || keep.count(input.get())) receiver.add(input, grads[i]);
      }
    }
    node->backward = nullptr;
    node->inputs.clear();
    waiting.erase(node.get());
  }
  receiver.finish();
}

/// True where one of `wanted` lies in the history of `slot` (itself excluded).
bool comes_from(const GradSlot& slot, const std::unordered_set<const GradSlot*>& wanted) {
  std::vector<const Node*> open{slot.creator.get()};
  std::unordered_set<const Node*> seen;
  while (!open.empty()) {
    const Node* node = open.back();
    open.pop_back();
    if (node == nullptr || !seen.insert(node).second) continue;
    for (const auto& input : node->inputs) {
      if (!input) continue;
      if (wanted.count(input.get()) > 0) return true;
      open.push_back(input->creator.get());
    }
  }
  return false;
}

}  // namespace

Variable::Variable(Tensor value, bool requires_grad) : value_(std::move(value)) {
  if (requires_grad) set_requires_grad(true);
}

void Variable::set_value(const Tensor& value) {
  value_.copy_from(value);
  value_.storage().touch();
}

const Tensor& Variable::grad() const {
  static const Tensor none;
  return slot_ ? slot_->grad : none;
}

void Variable::set_grad(const Tensor& grad) {
  CAWE_CHECK(slot_ != nullptr, Code::internal, "set_grad: the variable requires no gradient");
  slot_->grad = grad;
}

void Variable::zero_grad() {
  if (slot_) slot_->grad = Tensor();
}

void Variable::set_requires_grad(bool on) {
  CAWE_CHECK(!on || is_floating(value_.dtype()), Code::dtype, "requires_grad: dtype ", name(value_.dtype()),
             " has no gradient");
  if (!slot_) slot_ = std::make_shared<GradSlot>();
  slot_->requires_grad = on;
  slot_->dtype = value_.dtype();
}

std::vector<Variable> record_many(const char* name, const std::vector<Variable>& inputs,
                                  const std::vector<Tensor>& outputs,
                                  std::function<Grads(const std::vector<Tensor>&)> gradient) {
  if (checking)
    for (const Tensor& y : outputs)
      CAWE_CHECK(!is_floating(y.dtype()) || all_finite(y), Code::numeric, "operator '", name,
                 "' made a value that is not finite, in an output of shape ", y.shape());
  bool wanted = false;
  for (const Variable& v : inputs) wanted |= v.requires_grad();
  std::vector<Variable> result;
  for (const Tensor& y : outputs) result.emplace_back(y);
  if (!wanted || !recording) return result;
  auto node = std::make_shared<Node>();
  node->name = name;
  node->sequence = next_sequence++;
  for (const Variable& v : inputs) node->inputs.push_back(v.slot());
  node->backward = std::move(gradient);
  for (Variable& v : result) {
    v.slot_ = std::make_shared<GradSlot>();
    v.slot_->requires_grad = true;
    v.slot_->dtype = v.dtype();
    v.slot_->creator = node;
    node->outputs.push_back(v.slot_);
  }
  return result;
}

Variable record(const char* name, const std::vector<Variable>& inputs, const Tensor& y,
                std::function<Grads(const Tensor&)> gradient) {
  return record_many(name, inputs, {y}, [gradient = std::move(gradient)](const std::vector<Tensor>& dys) {
    return gradient(dys[0]);
  })[0];
}

void backward(const Variable& loss, double seed) {
  CAWE_CHECK(loss.numel() == 1, Code::shape, "backward: the loss has shape ", loss.shape(),
             " (expected one element)");
  CAWE_CHECK(loss.requires_grad(), Code::internal,
             "backward: the loss depends on nothing that requires a gradient");
  Tensor one = Tensor::like(loss.value());
  one.fill(seed);
  add_gradient(*loss.slot(), one);
  run_backward(loss.slot(), {}, true);
}

std::vector<Tensor> gradients(const Variable& root, const std::vector<Variable>& of, const Tensor& seed) {
  CAWE_CHECK(root.requires_grad(), Code::internal,
             "gradients: the root depends on nothing that requires a gradient");
  std::unordered_set<const GradSlot*> keep;
  std::vector<Tensor> before;
  for (const Variable& v : of) {
    CAWE_CHECK(v.slot() != nullptr, Code::internal, "gradients: a variable that requires no gradient");
    keep.insert(v.slot().get());
    before.push_back(v.slot()->grad);
    v.slot()->grad = Tensor();
  }
  // The walk shall stop at the wanted variables: their creators are set aside. Not where another wanted
  // variable lies in the history of one: there the walk has to go on.
  std::vector<std::shared_ptr<Node>> creators;
  for (const Variable& v : of) creators.push_back(comes_from(*v.slot(), keep) ? nullptr : v.slot()->creator);
  for (size_t i = 0; i < of.size(); ++i)
    if (creators[i]) of[i].slot()->creator = nullptr;
  Tensor start = seed;
  if (!start.defined()) {
    start = Tensor::like(root.value());
    start.fill(1);
  }
  root.slot()->grad = start;
  run_backward(root.slot(), keep, false);
  std::vector<Tensor> result;
  for (size_t i = 0; i < of.size(); ++i) {
    GradSlot& slot = *of[i].slot();
    result.push_back(slot.grad.defined() ? slot.grad : Tensor::zeros(of[i].shape(), of[i].dtype()));
    slot.grad = before[i];
    if (creators[i]) slot.creator = std::move(creators[i]);
  }
  return result;
}

NoGrad::NoGrad() : previous_(recording) { recording = false; }
NoGrad::~NoGrad() { recording = previous_; }
WithGrad::WithGrad() : previous_(recording) { recording = true; }
WithGrad::~WithGrad() { recording = previous_; }
bool grad_enabled() { return recording; }

Tensor once_over_ranks(const Tensor& g) {
  if (current_communicator().rank() == 0) return g;
  Tensor nothing = Tensor::like(g);
  nothing.fill(-0.0);
  return nothing;
}

CheckFinite::CheckFinite() : previous_(checking) { checking = true; }
CheckFinite::~CheckFinite() { checking = previous_; }

}  // namespace cawe
