#include <gtest/gtest.h>

#include "pg/sqlstate.hpp"

using cascade::errc;
using cascade::pg::blames_data;
using cascade::pg::classify;

TEST(pg_sqlstate, every_class_leads_to_one_reaction) {
  const struct {
    const char* state;
    errc code;
  } table[] = {
      {"40001", errc::database_conflict},    {"40P01", errc::database_conflict},
      {"55P03", errc::database_conflict},    {"40002", errc::database_rejected},
      {"08006", errc::database_unavailable}, {"08P01", errc::database_rejected},
      {"57P01", errc::database_unavailable}, {"57P02", errc::database_unavailable},
      {"57P03", errc::database_unavailable}, {"53300", errc::database_unavailable},
      {"53100", errc::database_unavailable}, {"58030", errc::database_unavailable},
      {"25006", errc::database_unavailable}, {"57014", errc::deadline_exceeded},
      {"23505", errc::database_rejected},    {"42P01", errc::database_rejected},
      {"42501", errc::database_rejected},    {"CA001", errc::database_rejected},
      {"XX000", errc::database_rejected},    {"", errc::database_unavailable},
      {"4", errc::database_rejected},
  };
  for (const auto& t : table) EXPECT_EQ(classify(t.state), t.code) << t.state;
}

TEST(pg_sqlstate, data_is_told_from_statements) {
  for (const char* state : {"22P02", "22003", "23505", "23514", "21000", "54000", "CA004"})
    EXPECT_TRUE(blames_data(state)) << state;
  for (const char* state : {"42P01", "42501", "40001", "57P01", "XX000", ""})
    EXPECT_FALSE(blames_data(state)) << state;
}
