#include <gmock/gmock.h>

#include "pg/migrate.hpp"

namespace cascade::pg {
namespace {

TEST(pg_version, a_server_before_14_is_refused_with_its_version) {
  for (const int version : {90'624, 110'022, 130'022, 139'999}) {
    const auto problem = server_problem(version);
    ASSERT_TRUE(problem) << version;
    EXPECT_EQ(problem->code, errc::database_rejected);
    EXPECT_THAT(problem->message,
                testing::HasSubstr("version " + std::to_string(version / 10'000)));
    EXPECT_THAT(problem->message, testing::HasSubstr("needs 14 or later"));
  }
  for (const int version : {140'000, 150'018, 180'000}) EXPECT_FALSE(server_problem(version));
}

}  // namespace
}  // namespace cascade::pg
