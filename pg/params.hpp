// pg/params.hpp
//
// Parameters of one statement in binary form, in order: params p;
// p.int8(id).text(name).int8s(tasks, &task::id);
//
// Cost     all values share one buffer, so a value costs a copy and no allocation; up to 16
//          parameters have their table in place. Arrays are written straight from any range through
//          a projection.
// Types    each value carries its type to the server, which then never guesses. A text for an enum
//          column needs a cast in the query ($1::text::cascade.task_status); an untyped null()
//          takes whatever type the query gives it.
// Nulls    a std::optional element, or std::optional argument, that is empty is null.
// Limits   65,535 parameters, 1 GiB a value: Postgres' own; checked by libpq and the server.
#pragma once

#include <bit>
#include <boost/container/small_vector.hpp>
#include <boost/endian/conversion.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <ranges>
#include <string>
#include <string_view>
#include <type_traits>

#include "pg/handles.hpp"

namespace cascade::pg {

class params {
public:
  using microseconds = std::chrono::microseconds;  // since the Unix epoch

  // -- single values
  // -----------------------------------------------------------------------------------------------
  params& int2(std::optional<std::int16_t> v) { return one(type::int2, v); }
  params& int4(std::optional<std::int32_t> v) { return one(type::int4, v); }
  params& int8(std::optional<std::int64_t> v) { return one(type::int8, v); }
  params& boolean(std::optional<bool> v) { return one(type::boolean, v); }
  params& float8(std::optional<double> v) { return one(type::float8, v); }
  params& text(std::optional<std::string_view> v) { return one(type::text, v); }
  params& timestamptz(std::optional<microseconds> v) { return one(type::timestamptz, v); }
  params& jsonb(std::optional<std::string_view> v) {
    return v ? one(type::jsonb, std::optional{json_text{*v}}) : null(type::jsonb);
  }
  params& null(oid of = 0) {
    fields_.push_back({of, 0, -1});
    return *this;
  }

  // -- arrays: any range, each element through the projection
  // ------------------------------------------------------
  template <std::ranges::input_range R, class P = std::identity>
  params& int2s(R&& r, P p = {}) {
    return many<std::int16_t>(type::int2_array, type::int2, r, p);
  }
  template <std::ranges::input_range R, class P = std::identity>
  params& int4s(R&& r, P p = {}) {
    return many<std::int32_t>(type::int4_array, type::int4, r, p);
  }
  template <std::ranges::input_range R, class P = std::identity>
  params& int8s(R&& r, P p = {}) {
    return many<std::int64_t>(type::int8_array, type::int8, r, p);
  }
  template <std::ranges::input_range R, class P = std::identity>
  params& booleans(R&& r, P p = {}) {
    return many<bool>(type::boolean_array, type::boolean, r, p);
  }
  template <std::ranges::input_range R, class P = std::identity>
  params& texts(R&& r, P p = {}) {
    return many<std::string_view>(type::text_array, type::text, r, p);
  }
  template <std::ranges::input_range R, class P = std::identity>
  params& jsonbs(R&& r, P p = {}) {
    return many<json_text>(type::jsonb_array, type::jsonb, r, p);
  }
  template <std::ranges::input_range R, class P = std::identity>
  params& timestamptzs(R&& r, P p = {}) {
    return many<microseconds>(type::timestamptz_array, type::timestamptz, r, p);
  }

  // -- for the connection that sends them
  // --------------------------------------------------------------------------
  int size() const noexcept { return static_cast<int>(fields_.size()); }
  std::size_t bytes() const noexcept { return buffer_.size(); }
  bool is_null(int i) const noexcept { return fields_[static_cast<std::size_t>(i)].length < 0; }
  oid type_of(int i) const noexcept { return fields_[static_cast<std::size_t>(i)].of; }
  int length(int i) const noexcept {
    return std::max(fields_[static_cast<std::size_t>(i)].length, 0);
  }
  // Null pointer for null. Valid until the next value is added or the params move.
  const char* data(int i) const noexcept {
    return is_null(i) ? nullptr : buffer_.data() + fields_[static_cast<std::size_t>(i)].offset;
  }
  void reserve(std::size_t bytes) { buffer_.reserve(bytes); }
  void clear() noexcept {
    buffer_.clear();
    fields_.clear();
  }

private:
  struct json_text {
    std::string_view text;
    explicit json_text(std::string_view t) noexcept : text(t) {}
  };
  struct field {
    oid of;
    std::uint32_t offset;
    std::int32_t length;  // -1: null
  };
  // Timestamps count from 2000-01-01 on the wire.
  static constexpr std::int64_t epoch_shift_us = 946'684'800'000'000;

  template <class T>
  void put_raw(T v) {
    const T big = boost::endian::native_to_big(v);
    buffer_.append(reinterpret_cast<const char*>(&big), sizeof big);
  }
  void put(std::int16_t v) { put_raw(v); }
  void put(std::int32_t v) { put_raw(v); }
  void put(std::int64_t v) { put_raw(v); }
  void put(bool v) { buffer_.push_back(v ? '\1' : '\0'); }
  void put(double v) { put_raw(std::bit_cast<std::int64_t>(v)); }
  void put(std::string_view v) { buffer_.append(v); }
  void put(microseconds v) { put_raw(static_cast<std::int64_t>(v.count() - epoch_shift_us)); }
  void put(json_text v) {
    buffer_.push_back('\1');  // version of the wire form
    buffer_.append(v.text);
  }
  void patch(std::size_t at, std::int32_t v) {
    const std::int32_t big = boost::endian::native_to_big(v);
    buffer_.replace(at, sizeof big, reinterpret_cast<const char*>(&big), sizeof big);
  }

  template <class T>
  params& one(oid of, const std::optional<T>& v) {
    if (!v) return null(of);
    const std::size_t start = buffer_.size();
    put(*v);
    return close_field(of, start);
  }

  template <class T>
  void put_element(const T& v) {
    const std::size_t at = buffer_.size();
    put_raw(std::int32_t{0});
    put(v);
    patch(at, static_cast<std::int32_t>(buffer_.size() - at - sizeof(std::int32_t)));
  }

  // Wire form of an array: dimensions, has-nulls, element type, then size and lower bound of the
  // one dimension.
  template <class T, class R, class P>
  params& many(oid of, oid element, R&& r, P& project) {
    const std::size_t start = buffer_.size();
    for (const std::int32_t word : {1, 0, static_cast<std::int32_t>(element), 0, 1}) put_raw(word);
    std::int32_t count = 0;
    bool nulls = false;
    for (auto&& item : r) {
      decltype(auto) v = std::invoke(project, item);
      ++count;
      if constexpr (requires { v.has_value(); }) {
        if (v) {
          put_element(static_cast<T>(*v));
        } else {
          nulls = true;
          put_raw(std::int32_t{-1});
        }
      } else {
        put_element(static_cast<T>(v));
      }
    }
    if (count == 0) {
      patch(start, 0);
      buffer_.resize(start + 3 * sizeof(std::int32_t));
    } else {
      if (nulls) patch(start + sizeof(std::int32_t), 1);
      patch(start + 3 * sizeof(std::int32_t), count);
    }
    return close_field(of, start);
  }

  params& close_field(oid of, std::size_t start);

  std::string buffer_;
  boost::container::small_vector<field, 16> fields_;
};

}  // namespace cascade::pg
