// The producers of the world: transactions of inserts, savepoints, commits and rollbacks.
#include "tests/support/doorbell_world.hpp"

namespace cascade::test {
namespace {

constexpr int gate_class = 727999;

std::vector<pg::statement> one(std::string sql) {
  std::vector<pg::statement> batch;
  batch.emplace_back(std::move(sql));
  return batch;
}

}  // namespace

void doorbell_world::submit(std::size_t i, std::vector<pg::statement> batch,
                            std::function<void(const std::vector<pg::rows>&)> then) {
  producers_[i].in_flight = true;
  producers_[i].session->submit(std::move(batch), soon(),
                                [this, i, then = std::move(then)](const pg::batch_reply& reply) {
                                  producers_[i].in_flight = false;
                                  if (!reply)
                                    throw std::runtime_error(pg::to_string(reply.error()));
                                  then(reply.value());
                                });
}

void doorbell_world::committed(producer& p) {
  for (const auto id : p.tasks) mark(tasks_, id, 1);
  for (const auto id : p.jobs) mark(jobs_, id, 1);
  count.rows += p.tasks.size() + p.jobs.size();
  p.tasks.clear();
  p.jobs.clear();
}

// Appends an insert of tasks or of a job to the batch; alone: it is a transaction of its own.
void doorbell_world::insert(std::size_t i, std::vector<pg::statement> batch, bool alone) {
  const bool job = one_in(8);
  batch.emplace_back(
      job ? std::string("insert into cascade.job default values returning id")
          : "insert into cascade.task (handler) select 'noop' from generate_series(1, " +
                std::to_string(one_in(10) ? 20 : 1 + random_() % 3) + ") returning id");
  submit(i, std::move(batch), [this, i, job, alone](const std::vector<pg::rows>& r) {
    auto& to = job ? producers_[i].jobs : producers_[i].tasks;
    for (int row = 0; row < r.back().size(); ++row) to.push_back(r.back().int64(row, 0));
    if (alone) committed(producers_[i]);
  });
}

void doorbell_world::begin(std::size_t i) {
  auto& p = producers_[i];
  std::vector<pg::statement> batch;
  p.open = one_in(2);
  if (p.open) batch.emplace_back(std::string("begin"));
  if (one_in(3)) {
    static constexpr const char* gates[] = {"before", "after", "commit"};
    must(control_.exec("select pg_advisory_lock($1, $2)",
                       pg::params{}.int4(gate_class).int4(static_cast<int>(i))));
    p.gate_locked = true;
    batch.emplace_back(std::string("select set_config('test.gate', '") + gates[random_() % 3] +
                       "', true)");
  }
  insert(i, std::move(batch), !p.open);
  if (one_in(2)) go_on(i);
}

void doorbell_world::end(std::size_t i, bool keep) {
  submit(i, one(keep ? "commit" : "rollback"), [this, i, keep](const std::vector<pg::rows>&) {
    auto& p = producers_[i];
    if (keep) committed(p);
    p.tasks.clear();
    p.jobs.clear();
    p.open = p.savepoint = false;
  });
}

void doorbell_world::open_gate(std::size_t i) {
  auto& p = producers_[i];
  count.gates += std::exchange(p.at_gate, false) ? 1 : 0;
  if (!std::exchange(p.gate_locked, false)) return;
  must(control_.exec("select pg_advisory_unlock($1, $2)",
                     pg::params{}.int4(gate_class).int4(static_cast<int>(i))));
}

void doorbell_world::go_on(std::size_t i) {
  auto& p = producers_[i];
  if (p.at_gate)
    open_gate(i);
  else
    until([&] { return !p.in_flight || p.at_gate; });
}

void doorbell_world::producer_step(std::size_t i, bool finish) {
  auto& p = producers_[i];
  if (p.in_flight) return go_on(i);
  if (!p.open) {
    open_gate(i);  // the transaction that had it is over
    if (!finish) begin(i);
    return;
  }
  if (finish || one_in(3)) return end(i, !one_in(4));
  if (p.savepoint && one_in(2)) {
    p.savepoint = false;
    p.tasks.resize(p.kept_tasks);
    p.jobs.resize(p.kept_jobs);
    return submit(i, one("rollback to s"), [](const std::vector<pg::rows>&) {});
  }
  std::vector<pg::statement> batch;
  if (one_in(3)) {
    batch.emplace_back(std::string("savepoint s"));
    p.savepoint = true;
    p.kept_tasks = p.tasks.size();
    p.kept_jobs = p.jobs.size();
  }
  insert(i, std::move(batch), false);
}

}  // namespace cascade::test
