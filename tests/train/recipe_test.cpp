// SPDX-License-Identifier: Apache-2.0
#include "train/recipe.h"

#include <gtest/gtest.h>

#include <ctime>

#include <cmath>
#include <functional>

#include "tensor/error.h"
#include "train/schedule.h"
#include "train/toml_limits.h"

namespace cawe::train {
namespace {

const char* const kText = R"(task = "classifier"
seed = 7
[data]
label_columns = ["a", "b"]
[train]
lr = 1
steps = 100
warmup = 0.1
decay = "steps"
milestones = [3, 5.5]
augment = false
)";

Recipe recipe_of(const std::string& text, const std::string& task = "classifier",
                 const Strings& assignments = {}) {
  return Recipe::parse(text, "r.toml", task, assignments);
}

std::string message_of(const std::function<void()>& f) {
  try {
    f();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), Code::usage);
    return e.what();
  }
  return "nothing thrown";
}

std::string refusal_of(const std::string& text, const std::string& task = "classifier",
                       const Strings& assignments = {}) {
  return message_of([&] { recipe_of(text, task, assignments); });
}

TEST(Recipe, TypesAndDefaults) {
  const Recipe r = recipe_of(kText);
  EXPECT_EQ(r.task(), "classifier");
  EXPECT_EQ(r.whole("seed"), 7);
  EXPECT_EQ(r.number("train.lr"), 1.0);  // a whole number is a number
  EXPECT_EQ(r.numbers("train.milestones"), (Numbers{3, 5.5}));
  EXPECT_EQ(r.words("data.label_columns"), (Strings{"a", "b"}));
  EXPECT_FALSE(r.flag("train.augment"));
  EXPECT_EQ(r.whole("train.batch"), 32);
  EXPECT_EQ(recipe_of("task = \"retinanet\"").whole("train.batch"), 8);
  EXPECT_EQ(r.whole("train.checkpoint_every"), 100);  // follows from train.steps
  EXPECT_EQ(r.number("train.weight_decay"), 0.01);
  EXPECT_EQ(recipe_of("train.optimizer = \"sgd\"").number("train.weight_decay"), 0.0);
  EXPECT_EQ(recipe_of("image.size = 96").whole("image.height"), 96);
}

TEST(Recipe, AMissingKeySaysWhatIsExpected) {
  EXPECT_EQ(message_of([] { recipe_of(kText).word("data.root"); }),
            "r.toml: data.root is missing (expected the folder that holds the images and tables)");
  EXPECT_THROW(recipe_of(kText).word("rpn.batch"), Error);  // no key of a classifier
  EXPECT_THROW(recipe_of(kText).word("train.lr"), Error);   // no word
}

// Found by fuzzing: defaults that follow from phases, in a recipe that has none yet.
TEST(Recipe, DefaultsThatFollowFromAMissingKeyAreMissing) {
  const Recipe r = recipe_of("", "colorizer");
  for (const char* key :
       {"image.size", "image.width", "color.render_factor", "train.batch", "train.checkpoint_every"})
    EXPECT_FALSE(r.value(key).has_value()) << key;
  EXPECT_EQ(r.resolved().find("width = 0"), std::string::npos);
}

TEST(Recipe, ReadingAKeyChangesNothing) {
  const Recipe r = recipe_of(kText);
  const std::string before = r.resolved();
  for (const std::string& key : r.keys()) r.value(key);
  EXPECT_EQ(r.resolved(), before);
  EXPECT_FALSE(r.has("train.batch"));
}

TEST(Recipe, WrongKeysSayTheLineAndTheNearest) {
  EXPECT_EQ(refusal_of("[train]\nstepps = 3\n"),
            "r.toml:2: train.stepps is not a key of this recipe (did you mean train.steps?)");
  EXPECT_EQ(refusal_of("seed = 1\nsteps = 3\n"),
            "r.toml:2: steps is not a key of this recipe (did you mean train.steps?)");
  EXPECT_EQ(refusal_of("[train]\ngain = 0.5\n"),
            "r.toml:2: train.gain is not a key of this recipe (did you mean augment.gain?)");
  EXPECT_EQ(refusal_of("[modle]\nwidth = 5\n"),
            "r.toml:2: modle.width is not a key of this recipe (did you mean model.width?)");
  EXPECT_EQ(refusal_of("task = \"retinanet\"\n[rpn]\nnms_iou = 0.5\n"),
            "r.toml:3: rpn.nms_iou is a key of faster_rcnn, and this is a recipe of retinanet (did you mean "
            "detect.nms_iou?)");
  EXPECT_EQ(refusal_of("task = \"colorizer\"\nphases = [\"frozen\"]\nphase.frozn.lr = 1e-3\n"),
            "r.toml:3: phase.frozn.lr: phases names no \"frozn\" (did you mean phase.frozen.lr?)");
  EXPECT_EQ(refusal_of("", "classifier", {"trian.lr=1"}),
            "--set: trian.lr is not a key of this recipe (did you mean train.lr?)");
  EXPECT_EQ(refusal_of("", "classifier", {"trian.lr="}),
            "--set: trian.lr is not a key of this recipe (did you mean train.lr?)");
  EXPECT_EQ(refusal_of("task = \"clasifier\"\n"),
            "r.toml:1: task is \"clasifier\" (expected one of classifier, faster_rcnn, retinanet, colorizer, "
            "study; did you mean classifier?)");
  EXPECT_NE(refusal_of("a = \n").find("r.toml:1"), std::string::npos);
  // The file's first mistake is told, not the alphabet's.
  EXPECT_NE(refusal_of("[train]\nlr = \"fast\"\n[augment]\nzzz = 1\n").find("train.lr"), std::string::npos);
}

TEST(Recipe, RefusesWrongTypesAndRanges) {
  EXPECT_EQ(refusal_of("seed = \"one\"\n"), "r.toml:1: seed is \"one\" (expected a whole number)");
  EXPECT_EQ(refusal_of("seed = -1\n"), "r.toml:1: seed is -1 (expected 0 or more)");
  EXPECT_EQ(refusal_of("lanes = 6\n"),
            "r.toml:1: lanes is 6 (expected one of 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)");
  EXPECT_EQ(refusal_of("fuse.alpha = 2\n"), "r.toml:1: fuse.alpha is 2.0 (expected 0.0 to 1.0)");
  EXPECT_EQ(refusal_of("train.lr = nan\n"), "r.toml:1: train.lr is nan (expected 0.0 to 1e+02)");
  EXPECT_EQ(refusal_of("[train]\npos_weight = [1, 0]\n"),
            "r.toml:2: train.pos_weight holds 0.0 (expected above 0.0, up to 1e+06)");
  EXPECT_EQ(refusal_of("rpn.anchor_sizes = [8]\n", "faster_rcnn"),
            "r.toml:1: rpn.anchor_sizes is [8.0] (expected 5 of them, each above 0.0, up to 1e+05)");
  EXPECT_EQ(refusal_of("train.eps = 0\n"), "r.toml:1: train.eps is 0.0 (expected 1e-30 to 1.0)");
  for (const char* beta : {"train.beta1", "train.beta2"})
    EXPECT_EQ(refusal_of(std::string(beta) + " = 1\n"),
              std::string("r.toml:1: ") + beta + " is 1.0 (expected 0.0 to 0.9999999)");
  // A list's number that no double holds, and a key as deep as the parser's stack.
  EXPECT_EQ(refusal_of("seeds = [9007199254740993]\n", "study").substr(0, 20), "r.toml:1: seeds hold");
  std::string deep = "seed = 1\na";
  for (int i = 0; i < 50000; ++i) deep += " . \"a\"";
  EXPECT_EQ(refusal_of(deep + " = 1\n"),
            "r.toml:2: is nested deeper than 32 levels (expected section.key = value)");
  EXPECT_EQ(refusal_of("# A sentence. Another one. A third.\n.\n").substr(0, 8), "r.toml:2");
  EXPECT_EQ(refusal_of("rows = [\"none\", \"cawee\"]\n", "study").substr(0, 40),
            "r.toml:1: rows holds \"cawee\" (expected o");
  EXPECT_EQ(
      refusal_of("train.decay = \"step\"\n"),
      "r.toml:1: train.decay is \"step\" (expected one of constant, cosine, steps; did you mean steps?)");
  EXPECT_EQ(refusal_of("phases = [\"a b\"]\n", "colorizer"),
            "r.toml:1: phases holds \"a b\" (expected letters, digits, _ and -)");
}

std::string repeated(const std::string& text, int times) {
  std::string out;
  for (int i = 0; i < times; ++i) out += text;
  return out;
}

TEST(Recipe, HostileNestingIsRefusedBeforeItIsParsed) {
  // Each of these ends a parser's stack, or that of the tables that it made: 25,000 levels in a few kilobytes.
  const int many = 25000;
  const std::string deep[] = {
      "b = \"open\nc" + repeated(".c", many) + " = 1\n",
      "a" + repeated(".a", many) + " = 1\n",
      "\"!\"" + repeated(".\"!\"", many) + " = 1\n",
      "''" + repeated(" . '#'", many) + " = 1\n",
      "[a" + repeated(".a", many) + "]\nb = 1\n",
      "[[a" + repeated(". a", many) + "]]\nb = 1\n",
      "b = " + repeated("[", many) + repeated("]", many) + "\n",
      "b = " + repeated("{a=", many) + "1" + repeated("}", many) + "\n",
      "b = [" + repeated("1.5, ", 50) + "{ a" + repeated(".a", many) + " = 1 }]\n",
      "b = " + repeated("{a.a.a.a.a.a.a.a.a.a = ", 200) + "1" + repeated("}", 200) + "\n",
      "b = [ # ]\n" + repeated("[\n", many) + repeated("]\n", many) + "]\n",
      "b = \"\"\"x\"\"\"\"\nc" + repeated(".c", many) + " = 1\n",
      "b = '''x''''' \nc" + repeated(".c", many) + " = 1\n",
      "b = \"\\\"\"\nc" + repeated(".\"\\\\\"", many) + " = 1\n"};
  for (const std::string& text : deep) {
    EXPECT_NE(refusal_of(text).find(": is nested deeper than 32 levels"), std::string::npos)
        << text.substr(0, 60);
    try {
      Recipe::of_checkpoint(text, "c");
      ADD_FAILURE() << text.substr(0, 60);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), Code::data) << error.what();
    }
    const std::string value = text.substr(4);  // what follows "b = ", as --set has it
    EXPECT_THROW(Recipe("classifier").set({"model.width=" + value}), Error);
    EXPECT_THROW(Recipe("classifier").set({"train.milestones=" + value}), Error);
  }
  // Not nested, however many: values, sections and keys one after another, and dots in text and comments.
  EXPECT_EQ(line_nested_deeper("# " + repeated("a.", 100) + "\nx = \"" + repeated("b.", 100) + "\" # '" +
                               repeated("[{", 100) + "\ny = '''\n" + repeated("[.\n", 100) + "'''\n"),
            0);
  EXPECT_EQ(line_nested_deeper("x = [" + repeated("0.5, -1.5e-3, [2.5], {a.b = 1.5}, ", 500) + "]\n"), 0);
  EXPECT_EQ(line_nested_deeper(repeated("[a.b.c]\nd.e = 1.5\n[[f.g]]\n", 500)), 0);
  EXPECT_EQ(line_nested_deeper("\n[a.b]\nc.d = [[1]]\n", 7), 0);
  EXPECT_EQ(line_nested_deeper("\n[a.b]\nc.d = [[1]]\n", 6), 3) << "text, two parts, two parts, two lists";
}

TEST(Recipe, WhatTheParserTakesForGrantedIsRefused) {
  // In builds with asserts toml++ asserts that a name follows a bracket and a value "=".
  for (const std::string& line :
       {std::string("[$]"), std::string("[\0]", 3), std::string("[[ \xc3\xa9]]"), std::string("[ # x"),
        std::string("["), std::string("a = ,"), std::string("a = ]"), std::string("a = {b = }"),
        std::string("a = [,]"), std::string("a = [1 2]"), std::string("a.\n.b = 1"), std::string("a = #"),
        std::string("= 1"), std::string("a = 1\xf0\x9f\x98\x80")})
    EXPECT_NE(refusal_of("seed = 1\n" + line + "\n").find(": not TOML: "), std::string::npos) << line;
}

TEST(Recipe, ALargeTextIsRefusedBeforeItIsParsed) {
  const std::string large = repeated("# 4567 9 2345\n", 80000);
  EXPECT_EQ(refusal_of(large), "r.toml: has 1120000 bytes (expected a recipe of at most 1048576)");
  // What the limit lets through is read in a moment: as many sections, keys and values as fit, and long names.
  std::string keys, sections;
  for (int i = 0; i < 60000; ++i) keys += "k" + std::to_string(i) + "=" + std::to_string(i) + "\n";
  for (int i = 0; i < 60000; ++i) sections += "[s" + std::to_string(i) + "]\n";
  const std::string long_name(1000000, 'n');
  const std::clock_t begin = std::clock();
  for (const std::string& text :
       {keys, sections, repeated("[[a]]\n", 150000), "x=[" + repeated("1,", 500000) + "]\n",
        "\"" + long_name + "\" = 1\n", "task = \"" + long_name + "\"\n"})
    EXPECT_NE(refusal_of(text), "") << text.substr(0, 20);
  EXPECT_LT(double(std::clock() - begin) / CLOCKS_PER_SEC, 20) << "s of the processor";
}

TEST(Recipe, ACheckpointsRecipeIsDataNotUsage) {
  const auto said = [](const std::string& text) {
    try {
      const Recipe recipe = Recipe::of_checkpoint(text, "c");
      recipe.whole("model.width");
      recipe.word("data.root");
      return std::string("no error");
    } catch (const Error& error) {
      return std::string(name(error.code())) + ": " + error.what();
    }
  };
  const std::string task = "task = \"classifier\"\n";
  EXPECT_EQ(said(task + "[model]\nwidth = 8\n[data]\nroot = \"x\"\n"), "no error");
  EXPECT_EQ(said(task + "[model]\nwidth = 1025\n"), "data: c:3: model.width is 1025 (expected 1 to 1024)");
  EXPECT_EQ(said(task + "model = 1 = 2\n").substr(0, 21), "data: c:2: not TOML: ");
  EXPECT_EQ(said(task + "[model]\nwidth = 8\n").substr(0, 29), "data: c: data.root is missing");
}

TEST(Recipe, AssignmentsWinAndMayBeWrittenPlainly) {
  Recipe r = recipe_of(
      kText, "classifier",
      {"seed=9", "train.milestones=1, 2.5", "data.label_columns=[c, 'd, e']", "data.test_folds=x,y",
       "data.val_folds=[]", "data.patient_column=2024", "train.optimizer=\"sgd\"", "train.decay = constant"});
  EXPECT_EQ(r.whole("seed"), 9);
  EXPECT_EQ(r.numbers("train.milestones"), (Numbers{1, 2.5}));
  EXPECT_EQ(r.words("data.label_columns"), (Strings{"c", "d, e"}));
  EXPECT_EQ(r.words("data.test_folds"), (Strings{"x", "y"}));
  EXPECT_EQ(r.words("data.val_folds"), Strings());
  r.set({"data.test_folds=[0]", "data.train_folds=[1, 2]", "data.val_folds=3"});
  EXPECT_EQ(r.words("data.test_folds"), Strings{"0"}) << "numbers are words where words are expected";
  EXPECT_EQ(r.words("data.train_folds"), (Strings{"1", "2"}));
  EXPECT_EQ(r.words("data.val_folds"), Strings{"3"});
  EXPECT_EQ(r.word("data.patient_column"), "2024");
  EXPECT_EQ(r.word("train.optimizer"), "sgd");
  EXPECT_EQ(r.origin("seed"), "--set");
  EXPECT_EQ(r.origin("train.lr"), "r.toml:6");
  const Recipe study = recipe_of("", "study",
                                 {"seeds=3", "title=Two words: and a colon", "rows=none,afda",
                                  "set=[\"train.steps=1\", \"data.root='a'\"]"});
  EXPECT_EQ(study.numbers("seeds"), (Numbers{3}));
  EXPECT_EQ(study.word("title"), "Two words: and a colon");
  EXPECT_EQ(study.words("rows"), (Strings{"none", "afda"}));
  EXPECT_EQ(study.words("set"), (Strings{"train.steps=1", "data.root='a'"}));
  EXPECT_EQ(refusal_of("", "classifier", {"train.lr=fast"}),
            "--set: train.lr is \"fast\" (expected a number)");
  EXPECT_NE(refusal_of("", "classifier", {"train.lr"}).find("key=value"), std::string::npos);
}

TEST(Recipe, AnEmptyAssignmentTakesAKeyAway) {
  const Recipe r = recipe_of(kText, "classifier", {"train.steps=", "train.lr="});
  EXPECT_EQ(r.whole("train.steps"), 1000);
  EXPECT_EQ(r.number("train.lr"), 2e-3);
  EXPECT_EQ(r.origin("train.lr"), "default");
  Recipe study = recipe_of("", "study", {"paper=true"});
  study.set({"paper="});
  EXPECT_FALSE(study.flag("paper"));
}

std::string warnings_of(const std::string& text, const std::string& task = "classifier") {
  std::string all;
  for (const RecipeWarning& w : recipe_of(text, task).warnings()) all += w.line + "\n";
  return all;
}

TEST(Recipe, KeysThatSayNothingAreToldOf) {
  EXPECT_EQ(warnings_of("task = \"retinanet\"\nfuse.alpha = 0.3\n"),
            "r.toml:2: fuse.alpha says nothing: enhance.method is \"none\" (it counts with cawe, "
            "cawe-drawn, cawe-lift, centre, color+cawe, uniform)\n");
  EXPECT_EQ(warnings_of("task = \"retinanet\"\nfuse.alpha = 0.5\n"), "");  // the default is no wish
  EXPECT_EQ(warnings_of("task = \"retinanet\"\nfuse.alpha = 0.3\nenhance.method = \"cawe\"\n"), "");
  // Classes that are named count whatever is active.
  const std::string attention = "task = \"retinanet\"\nenhance.method = \"cawe\"\n";
  for (const std::string key :
       {"cam.exclude_labels = [\"y\"]", "cam.act_threshold = 0.3", "cam.if_none = \"all\""}) {
    EXPECT_EQ(warnings_of(attention + key + "\n"), "");
    EXPECT_EQ(warnings_of(attention + key + "\ncam.targets = [\"x\"]\n"),
              "r.toml:3: " + key.substr(0, key.find(' ')) +
                  " says nothing: cam.targets is [\"x\"] (it counts with [])\n");
  }
  EXPECT_NE(warnings_of("task = \"retinanet\"\ncolor.space = \"lab\"\n").find("enhance.method"),
            std::string::npos);
  EXPECT_EQ(warnings_of("fuse.alpha = 0.3\n"),
            "r.toml:1: fuse.alpha says nothing: enhance.method is not given\n");
  EXPECT_EQ(warnings_of("data.split = \"k_folds\"\ndata.test = 0.5\n"),
            "r.toml:2: data.test says nothing: data.split is \"k_folds\" (it counts with patient)\n");
  EXPECT_EQ(warnings_of("train.patience = 3\n"),
            "r.toml:1: train.patience says nothing: train.eval_every is 0\n");
  for (const std::string key : {"train.patience", "train.min_delta"})
    EXPECT_EQ(warnings_of("train.eval_every = 2\ntrain.select = \"last\"\n" + key + " = 3\n"),
              "r.toml:3: " + key + " says nothing: train.select is \"last\"\n");
  EXPECT_EQ(warnings_of("train.eval_every = 2\ntrain.patience = 3\n"), "");
  const std::string phases = "phases = [\"a\"]\nphase.a.steps = 5\n";
  EXPECT_EQ(warnings_of(phases + "phase.a.epochs = 2\n", "colorizer"),
            "r.toml:3: phase.a.epochs says nothing: phase.a.steps is given\n");
  EXPECT_EQ(warnings_of(phases + "gan.ttur = 2\n", "colorizer"),
            "r.toml:3: gan.ttur says nothing: no phase has train = gan\n");
  // Two conditions in a row: the turn's threshold, and turns at all.
  EXPECT_EQ(warnings_of(phases + "gan.alternate = \"adaptive\"\ngan.threshold = 2\n", "colorizer"),
            "r.toml:3: gan.alternate says nothing: no phase has train = gan\n"
            "r.toml:4: gan.threshold says nothing: no phase has train = gan\n");
}

TEST(Recipe, KeysOfAnotherFormatAreRefused) {
  EXPECT_EQ(
      refusal_of("data.uncertain = \"zeros\"\n"),
      "r.toml:1: data.uncertain has no meaning here: data.format is \"table\" (it counts with chexpert)");
  EXPECT_EQ(refusal_of("data.format = \"chexpert\"\ndata.uncertain = \"zeros\"\n"), "nothing thrown");
}

TEST(Recipe, ResolvedHoldsEveryKeyAndReadsBack) {
  Recipe r = recipe_of(kText, "classifier", {"data.root=here", "fuse.alpha=0.25"});
  r.fill("labels", Strings{"a", "b"});
  r.fill("seed", int64_t(1));  // given: kept
  const std::string text = r.resolved();
  for (const char* line : {"\nseed = 7\n", "\nlabels = [\"a\", \"b\"]\n", "\nbatch = 32\n",
                           "\nclip = 1e+01\n", "\nalpha = 0.25\n", "\ntest = 0.2\n"})
    EXPECT_NE(text.find(line), std::string::npos) << line << text;
  // Of another format or split, and of enhancement where the classifier sees plain films.
  for (const char* line : {"uncertain", "\nfolds", "split_file", "vmax", "init_skip"})
    EXPECT_EQ(text.find(line), std::string::npos) << line;
  EXPECT_EQ(Recipe::parse(text, "resolved").resolved(), text);
  EXPECT_EQ(Recipe::of_checkpoint(text, "a checkpoint").whole("seed"), 7);
}

TEST(Recipe, ACheckpointMayBeOfAnotherProgram) {
  const Recipe r = Recipe::of_checkpoint("task = \"retinanet\"\nnew = 1\n[model]\nwidth = 8\n", "c");
  EXPECT_EQ(r.task(), "retinanet");
  EXPECT_EQ(r.whole("model.width"), 8);
  EXPECT_EQ(Recipe::of_checkpoint("seed = 1\n", "c").task(), "");
}

// Found by fuzzing: std::stod throws for these.
TEST(Recipe, NumbersAtTheEndsOfTheRangeAreWrittenBack) {
  const std::string text =
      "[train]\npos_weight = [4.9406564584124654e-324, 999999.99999999988, 1e-310, 0.1]\n";
  const Recipe again = Recipe::parse(recipe_of(text).resolved(), "again.toml");
  EXPECT_EQ(again.numbers("train.pos_weight"),
            (Numbers{4.9406564584124654e-324, 999999.99999999988, 1e-310, 0.1}));
}

TEST(Schedule, WarmsUpAndFalls) {
  Schedule s;
  s.lr = 2;
  s.steps = 100;
  s.warmup = 10;
  EXPECT_NEAR(s.at(0), 2 * 0.05, 1e-12);
  EXPECT_NEAR(s.at(9), 2 * 0.95, 1e-12);
  EXPECT_NEAR(s.at(54), 2 * 0.5 * (1 + std::cos(3.14159265358979 * 44.5 / 90)), 1e-9);
  EXPECT_LT(s.at(99), 2e-3);
  for (int64_t i = 11; i < 100; ++i) EXPECT_LT(s.at(i), s.at(i - 1));
  s.decay = Decay::steps;
  s.warmup = 0;
  s.milestones = {3, 6};
  EXPECT_EQ(s.at(2), 2.0);
  EXPECT_NEAR(s.at(3), 0.2, 1e-12);
  EXPECT_NEAR(s.at(6), 0.02, 1e-12);
  s.decay = Decay::constant;  // milestones say nothing then
  EXPECT_EQ(s.at(99), 2.0);
}

TEST(Schedule, WarmsUpFromItsFactor) {
  // From 1/4 of the rate to all of it in 10 steps, looked at in their middles: 1/4 + 3/4 (step + 1/2) / 10.
  Schedule s;
  s.lr = 1;
  s.steps = 40;
  s.warmup = 10;
  s.warmup_factor = 0.25;
  s.decay = Decay::constant;
  EXPECT_NEAR(s.at(0), 0.2875, 1e-12);
  EXPECT_NEAR(s.at(4), 0.5875, 1e-12);
  EXPECT_NEAR(s.at(9), 0.9625, 1e-12);
  EXPECT_EQ(s.at(10), 1);
}

TEST(Schedule, AWarmUpBelowOneIsAShareOfTheSteps) {
  const auto of = [](const std::string& warmup) {
    return schedule_from(
        Recipe::parse("[train]\nsteps = 250\nwarmup = " + warmup + "\n", "r.toml", "retinanet"));
  };
  EXPECT_EQ(of("0.1").warmup, 25);
  EXPECT_EQ(of("0.99").warmup, 248);  // 247.5, rounded
  EXPECT_EQ(of("1").warmup, 1);
  EXPECT_EQ(of("40").warmup, 40);
}

}  // namespace
}  // namespace cawe::train
