#include "riverrun/data/tagged.h"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "riverrun/core/error.h"
#include "riverrun/core/file.h"
#include "riverrun/data/conll_reader.h"

#include "tests/data/gzip.h"
#include "tests/temporary_folder.h"

namespace riverrun::data {
namespace {

namespace fs = std::filesystem;
using namespace std::string_literals;
using test::gzip;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// A row of CoNLL-U.
std::string row(const std::string& id, const std::string& form, const std::string& upos,
                const std::string& lemma = "x", const std::string& feats = "_") {
  return id + '\t' + form + '\t' + lemma + '\t' + upos + "\t_\t" + feats + "\t0\troot\t_\t_\n";
}

const std::string kConllu = "# sent_id = 1\n# text = Vamonos al mar\n" +
                            row("1-2", "Vamonos", "_", "_") + row("1", "Vamos", "VERB") +
                            row("1.1", "ya", "ADV") + row("2", "nos", "PRON") +
                            row("3", "mar", "NOUN") + row("3.1", "fue", "VERB") +
                            "\n\n# sent_id = 2\n" + row("1", "Mar", "NOUN") + "\n";

const std::string kNer =
    "-DOCSTART- -X- -X- O\n\nEU NNP B-NP B-ORG\nrejects VBZ B-VP O\n\n# # O O\n";

using Words = std::vector<std::vector<std::string>>;

Words words_of(const TaggedSentences& data) {
  Words words;
  for (const TaggedSentence& sentence : data.sentences) words.push_back(sentence.words);
  return words;
}

/// The tags by their names.
Words tags_of(const TaggedSentences& data) {
  Words tags;
  for (const TaggedSentence& sentence : data.sentences) {
    tags.emplace_back();
    for (const std::int32_t tag : sentence.tags) {
      tags.back().push_back(data.tags.at(static_cast<std::size_t>(tag)));
    }
  }
  return tags;
}

class Conll : public ::testing::Test {
 protected:
  fs::path write(std::string_view text) {
    const fs::path path = folder_ / "some.conll";
    replace_file(path, text);
    return path;
  }
  TaggedSentences read(std::string_view text, const TagColumns& columns,
                       LabelColumn tags = LabelColumn::kRequired) {
    return read_conll(write(text), columns, tags, KeepLines::kYes);
  }
  TaggedSentences read_upos(std::string_view text) { return read(text, {.tag = "upos"}); }
  void expect_refused(std::string_view text, const TagColumns& columns,
                      const std::vector<std::string>& words,
                      LabelColumn tags = LabelColumn::kRequired) {
    try {
      (void)read(text, columns, tags);
      ADD_FAILURE() << "is not refused: " << text.substr(0, 200);
    } catch (const FormatError& error) {
      EXPECT_EQ(error.path(), (folder_ / "some.conll").string());
      for (const std::string& word : words) EXPECT_THAT(error.what(), HasSubstr(word));
    }
  }
  bool is_conllu_file(std::string_view text) { return is_conllu(write(text)); }

  TemporaryFolder folder_;
};

void expect_conllu(const TaggedSentences& data) {
  EXPECT_EQ(words_of(data), (Words{{"Vamos", "nos", "mar"}, {"Mar"}}));
  EXPECT_THAT(data.tags, ElementsAre("VERB", "PRON", "NOUN"));
  EXPECT_EQ(tags_of(data), (Words{{"VERB", "PRON", "NOUN"}, {"NOUN"}}));
  EXPECT_EQ(data.sentences[0].line, 4);
  EXPECT_EQ(data.sentences[1].line, 12);
}

TEST_F(Conll, OfUniversalDependenciesIsRead) {
  const TaggedSentences data = read_conll(write(kConllu), {.tag = "UPOS"});
  expect_conllu(data);
  EXPECT_EQ(data.path, (folder_ / "some.conll").string());
  EXPECT_EQ(data.word_column, 1u);
  EXPECT_EQ(data.tag_column, 3u);
  EXPECT_THAT(data.lines, IsEmpty());
  EXPECT_THAT(data.sentences[0].rows, IsEmpty());
}

TEST_F(Conll, OfSharedTasksIsRead) {
  const TaggedSentences data = read(kNer, {.tag = "4"});
  EXPECT_EQ(words_of(data), (Words{{"EU", "rejects"}, {"#"}}));
  EXPECT_EQ(tags_of(data), (Words{{"B-ORG", "O"}, {"O"}}));
  EXPECT_EQ(data.sentences[1].line, 6);
  EXPECT_THAT(data.columns, IsEmpty());
}

TEST_F(Conll, LineEndsEmptyLinesAndAByteOrderMarkDoNotMatter) {
  std::string dos;
  for (const char c : kConllu) dos += c == '\n' ? "\r\n"s : std::string(1, c);
  expect_conllu(read_upos(dos));
  expect_conllu(read_upos("\xEF\xBB\xBF" + kConllu));
  expect_conllu(read_upos(kConllu + "\n \n\t\t\r\n"));
  expect_conllu(read_upos(kConllu.substr(0, kConllu.size() - 2)));
}

TEST_F(Conll, IsTheSameHoweverItIsCut) {
  for (std::size_t piece = 1; piece <= kConllu.size(); ++piece) {
    ConllReader reader("some.conll", {.tag = "UPOS"});
    for (std::size_t i = 0; i < kConllu.size(); i += piece) {
      reader.feed(std::string_view(kConllu).substr(i, piece));
    }
    expect_conllu(reader.finish());
  }
}

TEST_F(Conll, MayBeGzipOrAPipe) {
  expect_conllu(read_upos(gzip(kConllu)));
  const fs::path pipe = folder_ / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_FALSE(is_conllu(pipe)) << "it is not opened, which would wait for a writer";
  std::thread writer([&] {
    std::FILE* const file = std::fopen(pipe.c_str(), "w");
    std::fputs(kConllu.c_str(), file);
    std::fclose(file);
  });
  const TaggedSentences data = read_conll(pipe, {.tag = "4"});
  writer.join();
  expect_conllu(data);
}

TEST_F(Conll, ColumnsAreNamedInAnyCaseOrNumbered) {
  expect_conllu(read(kConllu, {.word = "form", .tag = "Upos"}));
  expect_conllu(read(kConllu, {.word = "2", .tag = "4"}));
  EXPECT_EQ(words_of(read(kNer, {.word = "2", .tag = "3"})), (Words{{"NNP", "VBZ"}, {"#"}}));
}

TEST_F(Conll, PlusNamesItsColumns) {
  const std::string text =
      "# global.columns = ID FORM ner\n1-2\tdel\t_\n1\tde\tO\n2\tel\tO\n\n"
      "# global.columns = ID FORM NER\n1\tLeón\tB\n";
  const TaggedSentences data = read(text, {.tag = "NER"});
  EXPECT_EQ(words_of(data), (Words{{"de", "el"}, {"León"}}));
  EXPECT_EQ(tags_of(data), (Words{{"O", "O"}, {"B"}}));
  EXPECT_THAT(data.columns, ElementsAre("ID", "FORM", "ner"));
  const TaggedSentences without_ids = read("#global.columns=UPOS FORM\nX\ta\nY\tb\n", {.tag = "1"});
  EXPECT_EQ(words_of(without_ids), (Words{{"a", "b"}}));
}

TEST_F(Conll, FieldsBetweenTabsMayHoldBlanks) {
  EXPECT_EQ(words_of(read("New York\tB\nis\tO\n", {.tag = "2"})), (Words{{"New York", "is"}}));
  EXPECT_EQ(words_of(read(" a   B\n\tc \t O \n", {.tag = "2"})), (Words{{"a", "c"}}))
      << "else any blanks are between fields";
}

TEST_F(Conll, WordsMayBeginWithAHashWhereThereAreNoComments) {
  EXPECT_EQ(words_of(read("#\tO\n\n#tag\tX\nis\tO\n", {.tag = "2"})),
            (Words{{"#"}, {"#tag", "is"}}));
  EXPECT_EQ(words_of(read("# O\nis\tO\n", {.tag = "2"})), (Words{{"#", "is"}}));
}

TEST_F(Conll, AnUnderscoreIsAWordIfItIsItsOwnLemma) {
  EXPECT_EQ(words_of(read_upos(row("1", "_", "SYM", "_"))), (Words{{"_"}}));
  EXPECT_EQ(words_of(read(row("1", "_", "SYM", "_"), {.word = "lemma", .tag = "upos"})),
            (Words{{"_"}}));
  expect_refused(row("1", "_", "SYM", "a"), {.tag = "upos"}, {"line 1", "the word is \"_\""});
  EXPECT_EQ(words_of(read(row("1", "_", "SYM", "a"), {.tag = "lemma"})), (Words{{"_"}}));
  expect_refused(row("1", "a", "SYM", "_"), {.word = "lemma", .tag = "upos"},
                 {"line 1", "the word is \"_\""});
  EXPECT_EQ(words_of(read("# global.columns = FORM NER\n_\tO\n", {.tag = "ner"})), (Words{{"_"}}));
  EXPECT_EQ(words_of(read("_ O\n", {.tag = "2"})), (Words{{"_"}}));
}

TEST_F(Conll, AnUnderscoreMayBeATagWhereItIsNotNothing) {
  const std::string text = row("1", "a", "X", "a", "Case=Nom") + row("2", ",", "Y", ",");
  EXPECT_EQ(tags_of(read(text, {.tag = "feats"})), (Words{{"Case=Nom", "_"}}));
  EXPECT_EQ(tags_of(read("a _\nb X\n", {.tag = "2"})), (Words{{"_", "X"}}));
}

TEST_F(Conll, TagsMayBeAbsentIfNotRequired) {
  const std::string bare = row("1", "a", "_") + row("2", "b", "_") + "\n" + row("1", "c", "_");
  struct Case {
    std::string text;
    std::string tag;
    std::size_t column;
  };
  for (const Case& c : std::vector<Case>{{bare, "upos", 3},
                                         {bare, "feats", 5},
                                         {bare, "ner", 10},
                                         {bare, "11", 10},
                                         {bare, "", 10},
                                         {"a\nb\n\nc\n", "2", 1},
                                         {"a\nb\n\nc\n", "upos", 1},
                                         {"a _\nb _\n\nc _\n", "2", 1}}) {
    const TaggedSentences data = read(c.text, {.tag = c.tag}, LabelColumn::kIfThere);
    EXPECT_EQ(words_of(data), (Words{{"a", "b"}, {"c"}})) << c.tag;
    EXPECT_EQ(tags_of(data), (Words{{}, {}})) << c.tag;
    EXPECT_THAT(data.tags, IsEmpty()) << c.tag;
    EXPECT_EQ(data.tag_column, c.column) << c.tag;
  }
  expect_conllu(read(kConllu, {.tag = "upos"}, LabelColumn::kIfThere));
}

TEST_F(Conll, WhatIsWrongIsNamed) {
  struct Case {
    std::string text;
    std::string tag;
    std::vector<std::string> words;
    std::string word = "";
  };
  const std::string a = row("1", "a", "X");
  const std::string plus = "# global.columns = ID FORM NER\n";
  for (const Case& c : std::vector<Case>{
           {"", "2", {"empty"}},
           {"\n\n", "2", {"before a word", "after line 2"}},
           {"# one\n# two\n", "upos", {"before a word", "after line 2"}},
           {"-DOCSTART- -X- O\n", "3", {"before a word", "after line 1"}},
           {row("0.1", "a", "X"), "upos", {"before a word"}},
           {"a X\nb\n", "2", {"line 2", "fields is 1", "that of the first line, 2"}},
           {"a X\n\n# a comment\nb X\n", "2", {"line 3", "fields is 3", "only CoNLL-U"}},
           {"a\tX\nb X\n", "2", {"line 2", "fields is 1"}},
           {"a\tX\nb\tX\t\n", "2", {"line 2", "fields is 3"}},
           {a + "2 b b X _ _ 0 root _ _\n", "upos", {"line 2", "fields is 1", "10, with tabs"}},
           {a + "2\tb\tX\n", "upos", {"line 2", "fields is 3", "10"}},
           {plus + "1\ta\n", "ner", {"line 2", "fields is 2", "3"}},
           {"a X\n", "3", {"line 1", "no column \"3\"", "to be the tag", "1 to 2"}},
           {"a X\n", "99999999999999999999", {"no column \"99999999999999999999\""}},
           {"a X\n", "upos", {"no column \"upos\"", "does not begin as CoNLL-U"}},
           {a, "ner", {"line 1", "no column \"ner\"", "\"ID\", \"FORM\"", "\"MISC\""}},
           {"# global.columns = ID UPOS\n1\tX\n", "upos", {"no column \"FORM\"", "the word"}},
           {"a X\n", "1", {"column 1", "both the word and the tag"}},
           {a, "form", {"column 2 (\"FORM\")", "both the word and the tag"}},
           {"a X\n", "2", {"no column \"form\"", "the word"}, "form"},
           {"# global.columns =\n1\ta\n", "ner", {"line 1", "names no columns"}},
           {"# global.columns = ID Form FORM\n", "ner", {"line 1", "\"FORM\" twice"}},
           {plus + "1\ta\tX\n# global.columns = ID FORM\n",
            "ner",
            {"line 3", "other columns", "\"NER\""}},
           {a + "\n# global.columns = ID FORM\n", "upos", {"line 3", "other columns"}},
           {row("2", "a", "X"), "upos", {"no column \"upos\"", "does not begin as CoNLL-U"}},
           {a + row("3", "b", "X"), "upos", {"line 2", "ID is \"3\"", "after the word 1", "\"2\""}},
           {a + a, "upos", {"line 2", "ID is \"1\"", "an empty line"}},
           {a + "\n" + row("0", "b", "X"), "upos", {"line 3", "ID is \"0\"", "begins", "\"1\""}},
           {a + row("02", "b", "X"), "upos", {"line 2", "ID is \"02\""}},
           {a + row("", "b", "X"), "upos", {"line 2", "ID is \"\""}},
           {a + row("2x", "b", "X"), "upos", {"line 2", "ID is \"2x\""}},
           {a + row("1-2", "b", "X"), "upos", {"line 2", "ID is \"1-2\"", "\"2-n\""}},
           {a + row("2-1", "b", "X"), "upos", {"line 2", "ID is \"2-1\""}},
           {a + row("1.2", "b", "X"), "upos", {"line 2", "ID is \"1.2\"", "\"1.n\""}},
           {row("1-3", "b", "X") + a + row("2-3", "b", "X"), "upos", {"line 3", "\"2-3\""}},
           {row("1-3", "b", "X") + a + "\n", "upos", {"after line 3", "word 1", "not with 3"}},
           {row("1-2", "b", "X") + a, "upos", {"after line 2", "word 1", "not with 2"}},
           {row("1-99999999999999999999", "b", "X"), "upos", {"does not begin as CoNLL-U"}},
           {row("1", "", "X"), "upos", {"line 1", "the word, column 2 (\"FORM\"), is empty"}},
           {"a\tX\n \tX\n", "2", {"line 2", "the word, column 1, is empty"}},
           {"a\tX\nb\t\n", "2", {"line 2", "the tag, column 2, is empty"}},
           {a + row("2", "b", "_"), "upos", {"line 2", "column 4 (\"UPOS\"), is \"_\""}},
           {a, "xpos", {"line 1", "column 5 (\"XPOS\"), is \"_\""}},
           {a, "feats", {"column 6 (\"FEATS\") is \"_\" for every word"}},
           {"a _\n", "2", {"column 2 is \"_\" for every word"}},
           {"a X\nb\0 X\n"s, "2", {"line 2", "a byte 0"}},
           {"# \0\n"s + a, "upos", {"line 1", "a byte 0"}},
           {"a X\ncaf\xE9 X\n", "2", {"line 2", "not UTF-8"}},
           {"# caf\xE9\n" + a, "upos", {"line 1", "not UTF-8"}},
           {"a X\rb X\r", "2", {"line 1", "carriage return"}},
           {std::string(1000, '\t') + "a\n", "2", {"line 1", "fields is 1001", "1 to 1000"}},
           {"a X\n", "x\xC2\x9B", {"no column \"x\\x9B\""}},
           {"\xFF\xFE\x61\0\n\0"s, "2", {"UTF-16"}},
       }) {
    SCOPED_TRACE(c.text.substr(0, 100));
    expect_refused(c.text, {.word = c.word, .tag = c.tag}, c.words);
  }
}

TEST_F(Conll, OfTagsAllMustBeThereOrNone) {
  const std::string with = row("1", "a", "X");
  const std::string without = row("1", "a", "_");
  expect_refused(with + "\n" + without + "\n" + without, {.tag = "upos"},
                 {"line 3", "\"_\"", "all must, or none"}, LabelColumn::kIfThere);
  expect_refused(without + "\n" + without + "\n" + with, {.tag = "upos"},
                 {"line 1", "\"_\"", "all must, or none"}, LabelColumn::kIfThere);
}

TEST_F(Conll, ColumnsThatCannotBeAreRefused) {
  for (const std::string& tag : {""s, "0"s, "00"s, "two words"s, "a\n"s, "\xFF"s}) {
    EXPECT_THROW((void)read(kNer, {.tag = tag}), ConfigError) << tag;
    if (!tag.empty()) {
      EXPECT_THROW((void)read(kNer, {.word = tag, .tag = "2"}), ConfigError) << tag;
    }
  }
  EXPECT_THROW((void)read_conll(folder_ / "none", {.tag = "2"}), IoError);
}

TEST_F(Conll, MessagesShowOnlyTheBeginningOfWhatIsLong) {
  try {
    (void)read(row("1" + std::string(1'000'000, '1'), "a", "X") + "\n", {.tag = "upos"});
    FAIL() << "there is no such column";
  } catch (const FormatError& error) {
    EXPECT_LT(std::string(error.what()).size(), 500u);
  }
}

TEST_F(Conll, ManyCommentsMayComeFirst) {
  std::string comments;
  while (comments.size() < 200'000) comments += "# text = some\n\n";
  EXPECT_EQ(words_of(read_upos(comments + kConllu)).size(), 2u);
  expect_refused(comments + "a X\n", {.tag = "4"}, {"fields is 1", "10"});
}

TEST_F(Conll, IsWrittenWithOtherTags) {
  const TaggedSentences data = read_upos(kConllu);
  std::string expected = kConllu;
  EXPECT_EQ(to_conll(data, tags_of(data)), expected);
  expected.replace(expected.find("PRON"), 4, "X");
  EXPECT_EQ(to_conll(data, Words{{"VERB", "X", "NOUN"}, {"NOUN"}}), expected);
  EXPECT_EQ(to_conll(read(" a  B C\r\n\r\nb D  E", {.tag = "2"}), Words{{"X"}, {"YY"}}),
            " a  X C\n\nb YY  E\n");
  EXPECT_EQ(to_conll(read("a\tB\tC\nb\tD\tE\n", {.tag = "3"}), Words{{"X", "Y"}}),
            "a\tB\tX\nb\tD\tY\n");
}

TEST_F(Conll, IsWrittenWithANewColumnIfItLacksThatOfTheTag) {
  const auto read_words = [this](std::string_view text, const std::string& tag) {
    return read(text, {.tag = tag}, LabelColumn::kIfThere);
  };
  EXPECT_EQ(to_conll(read_words("a\n\n b \n", "2"), Words{{"X"}, {"Y"}}), "a X\n\n b  Y\n");
  EXPECT_EQ(to_conll(read_words("a\n\n b \n", "2"), Words{{"X"}, {"Y Z"}}), "a\tX\n\nb\tY Z\n");
  EXPECT_EQ(to_conll(read_words("-DOCSTART-\na\tB\n", "4"), Words{{"X"}}), "-DOCSTART-\na\tB\tX\n");
  EXPECT_EQ(to_conll(read_words("# global.columns = ID FORM\n1-1\ta\n1\ta\n", "NER"), Words{{"X"}}),
            "# global.columns = ID FORM NER\n1-1\ta\t_\n1\ta\tX\n");
  const std::string written =
      to_conll(read_words("# one\n" + kConllu, "NER"), Words{{"X", "Y", "Z"}, {"X"}});
  EXPECT_THAT(written,
              HasSubstr("# global.columns = ID FORM LEMMA UPOS XPOS FEATS HEAD DEPREL DEPS "
                        "MISC NER\n# one\n"));
  const TaggedSentences again = read(written, {.tag = "ner"});
  EXPECT_EQ(tags_of(again), (Words{{"X", "Y", "Z"}, {"X"}}));
  EXPECT_EQ(words_of(again), (Words{{"Vamos", "nos", "mar"}, {"Mar"}}));
  EXPECT_THAT(read_words("# global.columns = TAG FORM\na\tb\n", "").columns,
              ElementsAre("TAG", "FORM", "TAG+"));
}

TEST_F(Conll, IsWrittenOnlyWithATagForEachWord) {
  const TaggedSentences data = read(kNer, {.tag = "4"});
  EXPECT_THROW((void)to_conll(data, Words{{"X", "Y"}}), ShapeError);
  EXPECT_THROW((void)to_conll(data, Words{{"X"}, {"Y"}}), ShapeError);
  for (const std::string& tag : {""s, " "s, "a b"s, "a\tb"s, "a\n"s, "a\0"s}) {
    EXPECT_THROW((void)to_conll(data, Words{{"X", tag}, {"Y"}}), ConfigError) << tag;
  }
  const TaggedSentences not_kept = read_conll(write(kNer), {.tag = "4"});
  EXPECT_THROW((void)to_conll(not_kept, Words{{"X", "Y"}, {"Z"}}), ConfigError);
}

TEST_F(Conll, OfUniversalDependenciesIsRecognised) {
  EXPECT_TRUE(is_conllu_file(kConllu));
  EXPECT_TRUE(is_conllu_file(gzip(kConllu)));
  EXPECT_TRUE(is_conllu_file("\xEF\xBB\xBF\r\n# one\r\n" + row("1", "a", "X")));
  EXPECT_TRUE(is_conllu_file(row("0.1", "a", "X")));
  EXPECT_TRUE(is_conllu_file(row("1-2", "a", "_")));
  EXPECT_TRUE(is_conllu_file("# one\n#global.columns=FORM UPOS\n"));
  EXPECT_FALSE(is_conllu_file("# one\n"));
  EXPECT_FALSE(is_conllu_file("# global.columnsets = FORM\n"));
  EXPECT_FALSE(is_conllu_file(""));
  EXPECT_FALSE(is_conllu_file(kNer));
  EXPECT_FALSE(is_conllu_file(row("2", "a", "X")));
  EXPECT_FALSE(is_conllu_file("1\ta\tX\n"));
  EXPECT_FALSE(is_conllu_file(std::string(70'000, '#') + "\n" + kConllu)) << "beyond 64 KiB";
}

TEST_F(Conll, WhatCannotBeLookedAtIsNotRecognised) {
  EXPECT_FALSE(is_conllu("-"));
  EXPECT_FALSE(is_conllu(folder_ / "none.conllu"));
  EXPECT_FALSE(is_conllu("/dev/null"));
}

}  // namespace
}  // namespace riverrun::data
