#include "riverrun/data/labelled_text.h"

#include <cstdio>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "riverrun/core/error.h"
#include "riverrun/core/file.h"
#include "riverrun/data/labelled_text_reader.h"

#include "tests/data/gzip.h"
#include "tests/temporary_folder.h"

namespace riverrun::data {
namespace {

namespace fs = std::filesystem;
using namespace std::string_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::vector<std::string> texts_of(const LabelledSequences& data) {
  std::vector<std::string> texts;
  for (const LabelledSequence& sequence : data.sequences) texts.push_back(sequence.text);
  return texts;
}

std::vector<std::string> labels_of(const LabelledSequences& data) {
  std::vector<std::string> labels;
  for (const LabelledSequence& sequence : data.sequences) {
    labels.push_back(sequence.label < 0 ? "none"
                                        : data.classes[static_cast<std::size_t>(sequence.label)]);
  }
  return labels;
}

class LabelledText : public ::testing::Test {
 protected:
  fs::path write(std::string_view text) {
    fs::path path = folder_ / "some.txt";
    replace_file(path, text);
    return path;
  }
  LabelledSequences read(std::string_view text, std::optional<LabelForm> form = {},
                         LabelColumn label = LabelColumn::kRequired) {
    form_ = form;
    return read_labelled_text(write(text), form_, label);
  }
  std::string message(std::string_view text, std::optional<LabelForm> form = {},
                      LabelColumn label = LabelColumn::kRequired) {
    try {
      (void)read(text, form, label);
    } catch (const FormatError& error) {
      EXPECT_EQ(error.path(), (folder_ / "some.txt").string());
      return error.what();
    }
    ADD_FAILURE() << "is not refused: " << text.substr(0, 200);
    return "";
  }
  LabelledSequences read_csv(std::string_view text, SequenceColumns columns,
                             LabelColumn label = LabelColumn::kRequired) {
    return read_labelled_csv(write(text), columns, label);
  }
  std::string csv_message(std::string_view text, const SequenceColumns& columns) {
    try {
      (void)read_csv(text, columns);
    } catch (const FormatError& error) {
      return error.what();
    }
    ADD_FAILURE() << "is not refused: " << text.substr(0, 200);
    return "";
  }

  TemporaryFolder folder_;
  std::optional<LabelForm> form_;
};

const SequenceColumns kColumns{.label = "y", .text_column = "t"};

TEST_F(LabelledText, FastTextsForm) {
  const LabelledSequences data =
      read("__label__good Great  food, really.\n__label__bad\tToo slow\n\n__label__good ok\n");
  EXPECT_EQ(form_, LabelForm::kPrefix);
  EXPECT_TRUE(data.are_texts());
  EXPECT_THAT(data.classes, ElementsAre("good", "bad"));
  EXPECT_THAT(texts_of(data), ElementsAre("Great  food, really.", "Too slow", "ok"));
  EXPECT_THAT(labels_of(data), ElementsAre("good", "bad", "good"));
  EXPECT_EQ(data.sequences[2].line, 4);
}

TEST_F(LabelledText, ANameATabAndTheText) {
  const LabelledSequences data = read("very good\tGreat food\nbad\tToo\tslow\n");
  EXPECT_EQ(form_, LabelForm::kTab);
  EXPECT_THAT(texts_of(data), ElementsAre("Great food", "Too\tslow")) << "the first tab counts";
  EXPECT_THAT(labels_of(data), ElementsAre("very good", "bad"));
}

TEST_F(LabelledText, LineEndsMarksOfOrderAndCompressionAreNoMatter) {
  for (const std::string& text :
       {"a\tone two\nb\tthree\n"s, "a\tone two\nb\tthree"s, "a\tone two\r\nb\tthree\r\n"s,
        "\xEF\xBB\xBF"
        "a\tone two\nb\tthree\n"s,
        "\n\n \na\tone two\n\nb\t  three  \n\n"s, test::gzip("a\tone two\nb\tthree\n")}) {
    const LabelledSequences data = read(text);
    EXPECT_THAT(texts_of(data), ElementsAre("one two", "three"));
    EXPECT_THAT(labels_of(data), ElementsAre("a", "b"));
  }
}

TEST_F(LabelledText, WithoutLabelsEachLineIsAText) {
  const LabelledSequences data = read("one\ntwo words\n\n", {}, LabelColumn::kIfThere);
  EXPECT_THAT(texts_of(data), ElementsAre("one", "two words"));
  EXPECT_THAT(data.classes, IsEmpty());
  EXPECT_EQ(form_, std::nullopt);
  // Where labels have prefixes, a tab is white space like any other.
  EXPECT_THAT(texts_of(read("one\ttab\nnone\n", LabelForm::kPrefix, LabelColumn::kIfThere)),
              ElementsAre("one\ttab", "none"));
  EXPECT_THAT(labels_of(read("a\tb\n", LabelForm::kTab, LabelColumn::kIfThere)), ElementsAre("a"));
}

TEST_F(LabelledText, AnUnclearFileIsRefusedAndTheRuleIsSaid) {
  EXPECT_THAT(message("Great food\n__label__good ok\n"),
              HasSubstr("line 1: the line is \"Great food\", which names no class; before its text "
                        "there must be __label__name and a blank, or the name and a tab"));
  EXPECT_THAT(message("text,label\nfood,good\n"), HasSubstr("names no class"));
  EXPECT_THAT(message("a\tb\n", LabelForm::kPrefix), HasSubstr("names no class"))
      << "of the other file of a run";
}

TEST_F(LabelledText, WhatIsWrongIsNamed) {
  const struct {
    std::string text;
    const char* message;
  } kCases[] = {
      {"", "empty"},
      {"\n \n\n", "after line 3: there is no text"},
      {"__label__a one\ntwo\n",
       "line 2: the line is \"two\", which names no class; it must be __label__name, a blank and "
       "the text, as on line 1"},
      {"\na\tone\ntwo\n", "it must be the name, a tab and the text, as on line 2"},
      {"__label__a one\nb\ttwo\n", "line 2: the line is"},
      {"__label__a\n", "line 1: there is no text behind the label"},
      {"__label__a one\n__label__b \u00A0\n", "line 2: there is no text behind the label"},
      {"a\tone\nb\t\n", "line 2: there is no text behind the label"},
      {"__label__ one\n", "line 1: the label has no name"},
      {"a\tone\n \ttwo\n", "line 2: the label has no name"},
      {"__label__a __label__b one\n", "line 1: there is a second label; a text is of one class"},
      {"__label__a one __label__b\n", "byte 15: line 1: there is a second label"},
      {"__label__a one\n__label__b t\0wo\n"s, "line 2: there is a byte 0"},
      {"__label__a one\n__label__b tw\xFFo\n", "line 2: the line is not UTF-8"},
      {"__label__a one\n__label__b tw\xC3", "line 2: the line is not UTF-8"},
      {"\xFF\xFE"
       "a\0\t\0"s,
       "UTF-16"},
  };
  for (const auto& [text, wanted] : kCases) EXPECT_THAT(message(text), HasSubstr(wanted)) << text;
  EXPECT_THAT(message("one\n__label__a two\n", LabelForm::kPrefix, LabelColumn::kIfThere),
              HasSubstr("line 2: the text has a label, and that of line 1 has none"));
  EXPECT_THAT(message("one\na\ttwo\n", LabelForm::kTab, LabelColumn::kIfThere),
              HasSubstr("line 2: the text has a label"));
}

TEST_F(LabelledText, APrefixWithinAWordIsPartOfTheText) {
  EXPECT_THAT(texts_of(read("__label__a x__label__b\n")), ElementsAre("x__label__b"));
}

TEST_F(LabelledText, WherePiecesAreCutIsNoMatter) {
  const std::string text = "__label__é ça va\r\n\n__label__b zwei\u3000\n__label__é x";
  for (std::size_t piece = 1; piece < text.size(); ++piece) {
    LabelledTextReader reader("cut");
    for (std::size_t i = 0; i < text.size(); i += piece) {
      reader.feed(std::string_view(text).substr(i, piece));
    }
    const LabelledSequences data = reader.finish();
    EXPECT_THAT(texts_of(data), ElementsAre("ça va", "zwei", "x"));
    EXPECT_THAT(labels_of(data), ElementsAre("é", "b", "é"));
  }
}

TEST_F(LabelledText, ALineMayBeHuge) {
  const std::string word = "word ";
  std::string text = "__label__a ";
  for (int i = 0; i < 1'000'000; ++i) text += word;
  const LabelledSequences data = read(text + "\n__label__b x\n");
  EXPECT_EQ(data.sequences[0].text.size(), 4'999'999u);
}

TEST_F(LabelledText, APipeIsReadAsWhatItBeginsAs) {
  const fs::path pipe = folder_ / "pipe";
  const auto read_pipe = [&](const std::string& text) {
    EXPECT_EQ(mkfifo(pipe.c_str(), 0600), 0);
    std::thread writer([&] {
      std::FILE* const file = std::fopen(pipe.c_str(), "w");
      std::fwrite(text.data(), 1, text.size(), file);
      std::fclose(file);
    });
    std::optional<LabelForm> form;
    LabelledSequences data = read_labelled(pipe, form);
    writer.join();
    fs::remove(pipe);
    return data;
  };
  EXPECT_EQ(read_pipe("# x\n@problemName x\n@timeStamps false\n@classLabel true a b\n@data\n"
                      "1,2:a\n3,4:b\n")
                .channels,
            1);
  EXPECT_THAT(labels_of(read_pipe("__label__a x\n__label__b y\n")), ElementsAre("a", "b"));
  EXPECT_THAT(labels_of(read_pipe(test::gzip("a\tx\nb\ty\n"))), ElementsAre("a", "b"));
}

TEST_F(LabelledText, IsKnownByItsFirstLabel) {
  EXPECT_TRUE(is_labelled_text(write("\n __label__a x\n")));
  EXPECT_TRUE(is_labelled_text(write(test::gzip("__label__a x\n"))));
  EXPECT_FALSE(is_labelled_text(write("a\tx\n")));
  EXPECT_FALSE(is_labelled_text(write("x __label__a\n")));
  EXPECT_FALSE(is_labelled_text(write("")));
  EXPECT_FALSE(is_labelled_text(folder_ / "nowhere"));
  EXPECT_FALSE(is_labelled_text("-"));
}

TEST_F(LabelledText, ARowOfACsvFileIsAText) {
  const LabelledSequences data =
      read_csv("id,y,t\r\n1,good,\"Great, \"\"really\"\"\r\nfine \"\r\n2,bad,Slow\r\n", kColumns);
  EXPECT_TRUE(data.are_texts());
  EXPECT_THAT(texts_of(data), ElementsAre("Great, \"really\"\r\nfine", "Slow"));
  EXPECT_THAT(labels_of(data), ElementsAre("good", "bad"));
  EXPECT_EQ(data.sequences[1].line, 4);
  EXPECT_THAT(texts_of(read_csv("t\ty\nsame\ta\nsame\ta\n", kColumns)), ElementsAre("same", "same"))
      << "each row is one of its own, also in TSV";
  EXPECT_THAT(labels_of(read_csv("id,t\n1,x\n", kColumns, LabelColumn::kIfThere)),
              ElementsAre("none"));
  EXPECT_THAT(texts_of(read_csv("t,y\nNA,a\n?,b\n", kColumns)), ElementsAre("NA", "?"))
      << "words, no missing values";
}

TEST_F(LabelledText, WhatIsWrongInACsvFileIsNamed) {
  EXPECT_THAT(csv_message("t\nx\n", kColumns), HasSubstr("there is no column \"y\""));
  EXPECT_THAT(csv_message("y,text\na,x\n", kColumns),
              HasSubstr("there is no column \"t\", which is to be the text; those there are: "
                        "\"y\", \"text\""));
  EXPECT_THAT(csv_message("t,y\nx,a\n,b\n", kColumns),
              HasSubstr("line 3, column \"t\": the text is empty; it must have a word"));
  EXPECT_THAT(csv_message("t,y\nx,a\n\u00A0 ,b\n", kColumns), HasSubstr("line 3, column \"t\""));
  EXPECT_THAT(csv_message("t,y\nx,\n", kColumns),
              HasSubstr("column \"y\": the field is empty; it must be the name of a class"));
  EXPECT_THAT(csv_message("t,y\nx\xFF,a\n", kColumns), HasSubstr("UTF-8"));
  EXPECT_THAT(csv_message("t,y\n\"x,a\n", kColumns), HasSubstr("quote"));
}

TEST_F(LabelledText, AColumnOfTextsStandsAlone) {
  const auto refused = [&](SequenceColumns columns, const char* what) {
    try {
      (void)read_csv("t,y,c\nx,a,1\n", std::move(columns));
      ADD_FAILURE() << "is not refused: " << what;
    } catch (const ConfigError& error) {
      EXPECT_THAT(error.what(), HasSubstr(what));
    }
  };
  const char* const kAlone = "the text is \"t\", so each row is a text of its own";
  refused({.series = "c", .label = "y", .text_column = "t"}, kAlone);
  refused({.label = "y", .time = "c", .text_column = "t"}, kAlone);
  refused({.label = "y", .channels = {"c"}, .text_column = "t"}, kAlone);
  refused({.label = "t", .text_column = "t"}, "named twice");
}

}  // namespace
}  // namespace riverrun::data
