// executors/progress_pipe.hpp
//
// Our end of a command's progress descriptor: its lines become beats. Private to executors/.
//
// Thread   the command's strand.
// Cost     wakes at most a hundred times a second and reads at most 1.6 MB/s: a flood slows down
//          the command, and nothing else.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <memory>

#include "executors/handler.hpp"
#include "executors/progress_lines.hpp"

namespace cascade {

class progress_pipe {
public:
  using stream = boost::asio::posix::stream_descriptor;
  using strand_type = boost::asio::strand<boost::asio::io_context::executor_type>;

  // Requires: the run, which gets the beats, lives as long.
  progress_pipe(const strand_type& strand, const task_run& run)
      : end_(strand), pause_(strand), run_(run) {}

  stream& end() noexcept { return end_; }  // to be assigned; non-blocking

  static void watch(std::shared_ptr<progress_pipe> me);  // `me` keeps what it is part of
  void read_some();                                      // what is there, up to a bound
  void close();

private:
  stream end_;
  boost::asio::steady_timer pause_;
  progress_lines lines_;
  const task_run& run_;
};

}  // namespace cascade
