#include "pg/params.hpp"

#include <limits>

#include "state/assert.hpp"

namespace cascade::pg {

params& params::close_field(oid of, std::size_t start) {
  // Offsets are 32 bits wide; the server refuses values over 1 GiB long before.
  CASCADE_ASSERT(buffer_.size() <= std::numeric_limits<std::uint32_t>::max());
  CASCADE_ASSERT(buffer_.size() - start <= std::size_t{std::numeric_limits<std::int32_t>::max()});
  fields_.push_back(
      {of, static_cast<std::uint32_t>(start), static_cast<std::int32_t>(buffer_.size() - start)});
  return *this;
}

}  // namespace cascade::pg
