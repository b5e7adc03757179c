#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace riverrun::models {

// A tag is "O", outside of any entity, or a letter, "-" and the entity's type, which is everything
// behind the first "-": "B-PER". The schemes differ in what their letters mark:
//
//   IOB1    I; B only where an entity follows another of the same type at once
//   IOB2    B begins each entity, I goes on with it (also called BIO)
//   IOE     the same from the end: E is where an entity ends
//   IOBES   B, I and E, and S for an entity of a single word (BILOU: L is E, U is S; BMES: M is I)
//
// All are read by the rules of conlleval, with which the shared tasks CoNLL-2000 and CoNLL-2003
// were scored, and of seqeval, which extends them to S. They read any sequence of tags, because a
// model may predict any:
//
//   an entity begins at each B or S; at an I or E if the word before it is O or of another type, if
//     it was an entity's last word, E or S, and at the sentence's first word
//   an entity ends before the next one begins, before O, after E or S, and at the sentence's end
//
// So nothing that is tagged is lost: I-PER after O, I-LOC after B-PER and an E alone begin an
// entity each. A tag of any other form counts as O.

/// Whether tags mark entities: each is "O", or one of B, I, E, S, L, U and M, "-" and a type that
/// is not empty, and not all are "O".
[[nodiscard]] bool are_entity_tags(std::span<const std::string> tags);

/// A stretch of words that is one entity.
struct Entity {
  std::int64_t begin = 0;  ///< its first word
  std::int64_t end = 0;    ///< behind its last word
  std::string type;

  friend bool operator==(const Entity&, const Entity&) = default;
};

/// The entities that a sentence's tags [words] mark, in their order; no word is in two.
[[nodiscard]] std::vector<Entity> entities_of(std::span<const std::string> tags);

/// Of one type of entity, or of all. A ratio of nothing to nothing is 0.
struct EntityScore {
  std::string type;            ///< empty: of all
  std::int64_t examples = 0;   ///< entities of the labels
  std::int64_t predicted = 0;  ///< entities of the predictions
  std::int64_t right = 0;      ///< of the same words and type in both
  double precision = 0;        ///< the share of the predicted ones that is right
  double recall = 0;           ///< the share of the examples that is found
  double f1 = 0;               ///< the harmonic mean of both
};

/// Counts entities, a sentence at a time.
class EntityCounter {
 public:
  /// Both are tags [words] of one sentence, not necessarily of one scheme. Throws ShapeError if
  /// they are of different lengths.
  void add(std::span<const std::string> labels, std::span<const std::string> predicted);
  /// Of all entities (the micro average), and of each type in the order of their names.
  [[nodiscard]] std::vector<EntityScore> scores() const;

 private:
  struct Counts {
    std::string type;
    std::int64_t examples = 0;
    std::int64_t predicted = 0;
    std::int64_t right = 0;
  };
  Counts& of(const std::string& type);
  std::vector<Counts> counts_;  // sorted by type
};

}  // namespace riverrun::models
