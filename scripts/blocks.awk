# The fenced blocks of a Markdown file, in a language, that match a pattern, in their order.
#
#   awk -v language=sh -v pattern='(^|\n)riverrun ' -f scripts/blocks.awk FILE.md
inside && /^```/ {
  if (block ~ pattern) printf "%s", block
  inside = 0
}
inside { block = block $0 "\n" }
$0 == "```" language {
  inside = 1
  block = ""
}
