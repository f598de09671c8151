#include "actors/own_session.hpp"
#include "actors/propagator_impl.hpp"
#include "sql/queries.hpp"
#include "state/limits.hpp"

namespace cascade {
namespace {

template <class Answer, class Fill>
void ask(propagator_self self, pg::statement what, Fill fill) {
  auto& s = self->state;
  if (!s.session) {
    own_session o{.name = "propagator"};
    // Rows are found by key, whatever the statistics of the day say.
    o.settings = {{"jit", "off"}};
    for (const char* way : {"enable_seqscan", "enable_hashjoin", "enable_mergejoin"})
      o.settings.emplace_back(way, "off");
    s.session = open_own_session(*s.context, std::move(o));
  }
  s.busy = true;
  s.session->submit(
      std::move(what), pg::deadline::in(s.context->settings.database_deadline),
      [to = caf::actor_cast<propagator_impl>(self), round = s.round, fill](pg::batch_reply reply) {
        Answer a;
        a.round = round;
        a.ok = reply.has_value();
        if (reply)
          fill(a, reply.value().front());
        else
          a.problem = pg::to_string(reply.error());
        caf::anon_send(to, std::move(a));
      });
}

}  // namespace

void read_priorities(propagator_self self) {
  auto& s = self->state;
  ++s.reads;
  pg::params p;
  p.text(s.snapshot)
      .text(s.page_of.empty() ? std::nullopt : std::optional<std::string_view>(s.page_of))
      .int8(s.page_after)
      .int4(static_cast<std::int32_t>(priority_page_rows));
  ask<priorities_read>(self, pg::statement(sql::read_priorities, std::move(p)),
                       [](priorities_read& a, const pg::rows& r) {
                         a.snapshot = r.text(0, 0);
                         for (int i = 0; i < r.size() && !r.is_null(i, 1); ++i) {
                           priority_change c;
                           c.id = r.int64(i, 1);
                           if (!r.is_null(i, 2)) c.task = task_id{r.int64(i, 2)};
                           if (!r.is_null(i, 3)) c.job = job_id{r.int64(i, 3)};
                           // (A superuser can get past the checks.)
                           c.priority = static_cast<std::uint8_t>(std::clamp<int>(
                               r.int16(i, 4), limits::priority_min, limits::priority_max));
                           c.at_least = r.boolean(i, 5);
                           if (!r.is_null(i, 6)) c.now = static_cast<std::uint8_t>(r.int16(i, 6));
                           c.age =
                               std::chrono::milliseconds(std::max<std::int64_t>(0, r.int64(i, 7)));
                           a.changes.push_back(c);
                         }
                       });
}

void list_tasks(propagator_self self, const priority_writes::listing& what) {
  pg::params p;
  p.int8s(what.jobs, [](const job_priority& j) { return j.job.value; })
      .int2s(what.jobs, [](const job_priority& j) { return static_cast<std::int16_t>(j.priority); })
      .int4(static_cast<std::int32_t>(what.rows));
  ask<priorities_listed>(self, pg::statement(sql::tasks_to_reprioritize, std::move(p)),
                         [](priorities_listed& a, const pg::rows& r) {
                           for (int i = 0; i < r.size(); ++i)
                             a.tasks.push_back({task_id{r.int64(i, 0)}, job_id{r.int64(i, 1)},
                                                static_cast<std::uint8_t>(r.int16(i, 2))});
                         });
}

}  // namespace cascade
