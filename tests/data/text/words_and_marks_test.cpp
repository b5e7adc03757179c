#include "riverrun/data/text/words_and_marks.h"

#include <gtest/gtest.h>

namespace riverrun::text {
namespace {

TEST(WordsAndMarks, WordsAreInSmallLettersAndMarksAlone) {
  EXPECT_EQ(words_and_marks("Good FOOD, bad service!"), "good food , bad service !");
  EXPECT_EQ(words_and_marks("(a-b) c/d 3.5 x_y #1 $2 50%"),
            "( a - b ) c / d 3 . 5 x _ y # 1 $ 2 50 %");
  EXPECT_EQ(words_and_marks("ÄRGER über Øl"), "ärger über øl");
  EXPECT_EQ(words_and_marks("«Oui» — ¿qué? 5€…"), "« oui » — ¿ qué ? 5 € …");
  EXPECT_EQ(words_and_marks("好，吃。"), "好 ， 吃 。");
}

TEST(WordsAndMarks, AnApostropheWithinAWordIsPartOfIt) {
  EXPECT_EQ(words_and_marks("Don't rock'n'roll"), "don't rock'n'roll");
  EXPECT_EQ(words_and_marks("It’s"), "it's") << "U+2019";
  EXPECT_EQ(words_and_marks("'quoted' dogs' end'"), "' quoted ' dogs ' end '");
  EXPECT_EQ(words_and_marks("a'' b'."), "a ' ' b ' .");
  EXPECT_EQ(words_and_marks("'"), "'");
}

TEST(WordsAndMarks, WhatIsMadeOfThemStaysAsItIs) {
  for (const char* text : {"don't go !", "a ' b", "' ' '", "x ' '", ""}) {
    EXPECT_EQ(words_and_marks(text), text);
  }
}

TEST(WordsAndMarks, AnyWhiteSpaceIsBetweenWords) {
  EXPECT_EQ(words_and_marks(" a\tb\r\nc\u00A0d\u3000e  "), "a b c d e");
  EXPECT_EQ(words_and_marks(" \n "), "");
}

TEST(WordsAndMarks, NoWordIsATokenOfItsOwnKind) {
  EXPECT_EQ(words_and_marks("<unk> <EOS>"), "< unk > < eos >");
  EXPECT_EQ(words_and_marks("a\xFF"), "a\xEF\xBF\xBD");
}

TEST(WithoutOuterSpace, TakesUnicodesWhiteSpaceOffBothEnds) {
  EXPECT_EQ(without_outer_space("  a b\u00A0\r\n"), "a b");
  EXPECT_EQ(without_outer_space("\u3000é"), "é");
  EXPECT_EQ(without_outer_space(" \u2003\t"), "");
  EXPECT_EQ(without_outer_space(""), "");
}

}  // namespace
}  // namespace riverrun::text
