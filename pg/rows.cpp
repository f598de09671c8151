#include "pg/rows.hpp"

#include <bit>
#include <boost/endian/conversion.hpp>
#include <charconv>
#include <cstring>
#include <limits>

#include "pg/libpq.hpp"
#include "state/assert.hpp"

namespace cascade::pg {
namespace {

template <class T>
T number(std::string_view bytes) {
  CASCADE_ASSERT(bytes.size() == sizeof(T));
  T big;
  std::memcpy(&big, bytes.data(), sizeof big);
  return boost::endian::big_to_native(big);
}

std::int64_t integer(std::string_view bytes) {
  if (bytes.size() == 2) return number<std::int16_t>(bytes);
  if (bytes.size() == 4) return number<std::int32_t>(bytes);
  return number<std::int64_t>(bytes);
}

// Calls take(bytes) for each element, std::nullopt for nulls. One dimension, or none when empty.
template <class F>
void each_element(std::string_view bytes, F take) {
  const auto word = [&] {
    CASCADE_ASSERT(bytes.size() >= 4);
    const auto w = number<std::int32_t>(bytes.substr(0, 4));
    bytes.remove_prefix(4);
    return w;
  };
  const auto dimensions = word();
  word();  // has nulls
  word();  // element type
  if (dimensions == 0) return;
  CASCADE_ASSERT(dimensions == 1);
  const auto count = word();
  word();  // lower bound
  for (std::int32_t i = 0; i < count; ++i) {
    const auto length = word();
    if (length < 0) {
      take(std::optional<std::string_view>{});
      continue;
    }
    CASCADE_ASSERT(static_cast<std::size_t>(length) <= bytes.size());
    take(std::optional{bytes.substr(0, static_cast<std::size_t>(length))});
    bytes.remove_prefix(static_cast<std::size_t>(length));
  }
}

constexpr std::int64_t epoch_shift_us = 946'684'800'000'000;  // the wire counts from 2000-01-01

}  // namespace

rows::rows(result_handle r) noexcept : result_(std::move(r)) {
  if (result_) {
    size_ = PQntuples(result_.get());
    columns_ = PQnfields(result_.get());
  }
}

std::string_view rows::column_name(int column) const noexcept {
  const char* name = PQfname(result_.get(), column);
  return name ? name : std::string_view{};
}
oid rows::column_type(int column) const noexcept { return PQftype(result_.get(), column); }

std::int64_t rows::affected() const noexcept {
  const char* text = result_ ? PQcmdTuples(result_.get()) : "";
  std::int64_t n = 0;
  std::from_chars(text, text + std::strlen(text), n);
  return n;
}
std::size_t rows::bytes() const noexcept { return result_ ? PQresultMemorySize(result_.get()) : 0; }

bool rows::is_null(int row, int column) const noexcept {
  return PQgetisnull(result_.get(), row, column) != 0;
}

std::string_view rows::bytes_of(int row, int column) const {
  CASCADE_ASSERT(row >= 0 && row < size_ && column >= 0 && column < columns_);
  CASCADE_ASSERT(!is_null(row, column));
  return {PQgetvalue(result_.get(), row, column),
          static_cast<std::size_t>(PQgetlength(result_.get(), row, column))};
}

bool rows::boolean(int row, int column) const {
  return number<std::int8_t>(bytes_of(row, column)) != 0;
}
std::int16_t rows::int16(int row, int column) const {
  return number<std::int16_t>(bytes_of(row, column));
}
std::int32_t rows::int32(int row, int column) const {
  const auto bytes = bytes_of(row, column);
  CASCADE_ASSERT(bytes.size() <= 4);
  return static_cast<std::int32_t>(integer(bytes));
}
std::int64_t rows::int64(int row, int column) const { return integer(bytes_of(row, column)); }
double rows::float8(int row, int column) const {
  return std::bit_cast<double>(number<std::int64_t>(bytes_of(row, column)));
}
std::string_view rows::text(int row, int column) const { return bytes_of(row, column); }

std::string_view rows::jsonb(int row, int column) const {
  auto bytes = bytes_of(row, column);
  if (column_type(column) == type::jsonb && PQfformat(result_.get(), column) == 1) {
    CASCADE_ASSERT(!bytes.empty() && bytes[0] == 1);
    bytes.remove_prefix(1);
  }
  return bytes;
}

std::chrono::microseconds rows::timestamptz(int row, int column) const {
  using limits = std::numeric_limits<std::int64_t>;
  const auto us = number<std::int64_t>(bytes_of(row, column));
  const bool infinite = us == limits::max() || us == limits::min();
  return std::chrono::microseconds{infinite ? us : us + epoch_shift_us};
}

std::vector<std::int64_t> rows::int64s(int row, int column) const {
  std::vector<std::int64_t> out;
  each_element(bytes_of(row, column), [&](std::optional<std::string_view> e) {
    CASCADE_ASSERT(e.has_value());
    out.push_back(integer(*e));
  });
  return out;
}

std::vector<std::optional<std::string>> rows::texts(int row, int column) const {
  std::vector<std::optional<std::string>> out;
  each_element(bytes_of(row, column), [&](std::optional<std::string_view> e) {
    out.push_back(e ? std::optional<std::string>{*e} : std::nullopt);
  });
  return out;
}

}  // namespace cascade::pg
