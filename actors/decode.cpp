#include "actors/decode.hpp"

#include <algorithm>
#include <array>

#include "state/assert.hpp"
#include "triggers/ready_band.hpp"

namespace cascade {
namespace {

enum column {
  kind,
  id,
  job,
  priority,
  status,
  reason,
  due,
  queue,
  handler,
  attempt,
  attempts_max,
  item,
  step,
  timeout,
  retry,
  command,
  rate_key,
  concurrency_key,
  tenant,
  start_by,
  capable,
  payload,
  columns
};
static_assert(columns == inbox_columns);

std::string text_or_empty(const pg::rows& r, int row, int column) {
  return r.is_null(row, column) ? std::string{} : std::string(r.text(row, column));
}

template <class Enum, std::size_t N>
Enum parse(const std::array<std::string_view, N>& names, std::string_view name) {
  const auto at = std::ranges::find(names, name);
  CASCADE_ASSERT(at != names.end());
  return static_cast<Enum>(at - names.begin());
}

arrival decode_task(const pg::rows& r, int row) {
  arrival t;
  t.id = task_id{r.int64(row, id)};
  if (!r.is_null(row, job)) t.job = job_id{r.int64(row, job)};
  t.due = instant_or_none(r, row, due);
  t.start_by = instant_or_none(r, row, start_by);
  t.priority = r.int32(row, priority);
  t.attempt = r.int32(row, attempt);
  t.state = parse<task_state>(task_state_names, r.text(row, status));
  if (!r.is_null(row, reason))
    t.reason = parse<waiting_reason>(waiting_reason_names, r.text(row, reason));
  t.capable = r.boolean(row, capable);
  t.body.handler = r.text(row, handler);
  t.body.queue = r.text(row, queue);
  t.body.attempts_max = r.int32(row, attempts_max);
  if (!r.is_null(row, item)) t.body.item = r.int32(row, item);
  t.body.step = text_or_empty(r, row, step);
  if (!r.is_null(row, timeout)) t.body.timeout_ms = r.int64(row, timeout);
  t.body.retry = text_or_empty(r, row, retry);
  t.body.command = text_or_empty(r, row, command);
  t.body.rate_key = text_or_empty(r, row, rate_key);
  t.body.concurrency_key = text_or_empty(r, row, concurrency_key);
  if (!r.is_null(row, tenant)) t.tenant = tenant_of(r.text(row, tenant));
  t.has_payload = !r.is_null(row, payload);
  t.body.payload = text_or_empty(r, row, payload);
  return t;
}

job_arrival decode_job(const pg::rows& r, int row) {
  job_arrival j;
  j.id = job_id{r.int64(row, id)};
  j.priority = r.int32(row, priority);
  j.state = parse<job_state>(job_state_names, r.text(row, status));
  j.workflow = text_or_empty(r, row, queue);
  if (!r.is_null(row, item)) j.version = r.int32(row, item);
  j.started = instant_or_none(r, row, due);
  if (!r.is_null(row, timeout)) j.timeout = std::chrono::milliseconds(r.int64(row, timeout));
  j.keep_open = r.boolean(row, capable);
  if (!r.is_null(row, attempt)) j.concurrency = r.int32(row, attempt);
  if (!r.is_null(row, tenant)) j.tenant = tenant_of(r.text(row, tenant));
  j.input = r.text(row, payload);
  return j;
}

command_arrival decode_command(const pg::rows& r, int row) {
  command_arrival c;
  c.id = command_id{r.int64(row, id)};
  if (!r.is_null(row, job)) c.job = job_id{r.int64(row, job)};
  if (!r.is_null(row, timeout)) c.task = task_id{r.int64(row, timeout)};
  c.kind = r.text(row, handler);
  c.queue = text_or_empty(r, row, queue);
  c.argument = r.text(row, payload);
  return c;
}

}  // namespace

std::optional<instant> instant_or_none(const pg::rows& r, int row, int column) {
  if (r.is_null(row, column)) return std::nullopt;
  return instant_of(r.int64(row, column));
}

void decode_inbox(const pg::rows& r, inbox_page& page) {
  CASCADE_ASSERT(r.columns() == inbox_columns);
  page.tasks.reserve(page.tasks.size() + static_cast<std::size_t>(r.size()));
  for (int row = 0; row < r.size(); ++row) {
    switch (r.text(row, kind).front()) {
      case 's':
        page.snapshot = r.text(row, payload);
        page.now = instant_of(r.int64(row, due));
        page.any_task = r.boolean(row, capable);
        break;
      case 't':
        page.tasks.push_back(decode_task(r, row));
        break;
      case 'j':
        page.jobs.push_back(decode_job(r, row));
        break;
      case 'c':
        page.commands.push_back(decode_command(r, row));
        break;
      default:
        CASCADE_ASSERT(!"unknown kind of inbox row");
    }
  }
}

}  // namespace cascade
