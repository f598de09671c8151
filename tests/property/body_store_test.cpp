// A packed body comes back as it was, whatever its slots were used for before.
#include "actors/body_store.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <map>

namespace cascade {
namespace {

bool same(const task_body& a, const task_body& b) {
  return a.handler == b.handler && a.queue == b.queue && a.step == b.step &&
         a.payload == b.payload && a.retry == b.retry && a.command == b.command &&
         a.timeout_ms == b.timeout_ms && a.attempts_max == b.attempts_max && a.item == b.item;
}

task_body any_body() {
  const auto rarely = [] {
    return *rc::gen::weightedOneOf<std::string>(
        {{3, rc::gen::just(std::string{})}, {1, rc::gen::arbitrary<std::string>()}});
  };
  task_body body;
  body.handler = rarely();
  body.queue = rarely();
  body.step = rarely();
  body.retry = rarely();
  body.command = rarely();
  body.payload = *rc::gen::arbitrary<std::string>() +
                 std::string(*rc::gen::element(0u, 127u, 128u, 70'000u), 'x');
  body.timeout_ms = *rc::gen::element<std::int64_t>(0, 1, 127, 128, 1LL << 50);
  body.attempts_max = *rc::gen::element(1, 5, 128, 32'767);
  body.item = *rc::gen::element(-1, 0, 128, 2'147'483'647);
  return body;
}

RC_GTEST_PROP(body_store, what_was_put_is_taken, ()) {
  body_store store;
  std::map<std::uint32_t, task_body> model;
  for (int i = *rc::gen::inRange(1, 60); i > 0; --i) {
    if (model.empty() || *rc::gen::arbitrary<bool>()) {
      const task_body body = any_body();
      const auto slot = store.put(body);
      RC_ASSERT(slot != 0u);
      RC_ASSERT(model.emplace(slot, body).second);
    } else {
      const auto at =
          std::next(model.begin(), *rc::gen::inRange<std::ptrdiff_t>(0, std::ssize(model)));
      RC_ASSERT(same(store.take(at->first), at->second));
      model.erase(at);
    }
  }
  while (!model.empty()) {
    RC_ASSERT(same(store.take(model.begin()->first), model.begin()->second));
    model.erase(model.begin());
  }
  RC_ASSERT(store.bytes() == 0u);
}

TEST(body_store, an_ordinary_body_takes_little_more_than_its_payload) {
  body_store store;
  task_body body;
  body.payload = std::string(20, 'x');
  body.attempts_max = 5;
  store.put(body);
  EXPECT_LE(store.bytes(), 60u);
}

}  // namespace
}  // namespace cascade
