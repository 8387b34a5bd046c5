// SPDX-License-Identifier: Apache-2.0
// TRIPOD+AI's items.
#include "report/checklists.h"

namespace cawe::report {

Checklist tripod_ai_checklist() {
  const Answer program = Answer::program, partly = Answer::partly, authors = Answer::authors;
  return {
      "TRIPOD+AI, 2024",
      "Collins GS, Moons KGM, Dhiman P, et al. TRIPOD+AI statement: updated guidance for reporting clinical "
      "prediction models "
      "that use regression or machine learning methods. BMJ 2024;385:e078378. It speaks of predictors and "
      "outcomes: here a film's "
      "pixels, and its lesions.",
      {
          {"1", "Title", "development or evaluation of a model, of whom and for what", authors, ""},
          {"2", "Abstract", "by TRIPOD+AI's own list for abstracts", authors, ""},
          {"3a", "Background", "clinical context, reasons, other models", authors, ""},
          {"3b", "Background", "target population, purpose, users", authors, ""},
          {"3c", "Background", "known inequalities in health", authors, ""},
          {"4", "Objectives", "aims; development, evaluation or both", authors, ""},
          {"5a", "Data", "sources for development and evaluation, why these, whom they represent", partly,
           "`data.root`, `data.format`, `data.labels_csv`, `data.test_csv`; hashes in `environment.json`"},
          {"5b", "Data", "dates", authors, ""},
          {"6a", "Participants", "setting, centres", authors, ""},
          {"6b", "Participants", "eligibility", partly,
           "what the program left out, and why: report.html (Films of each fold), `films_flow.csv`, "
           "warnings; "
           "`data.views`, `data.strict`"},
          {"6c", "Participants", "treatments", authors, ""},
          {"7", "Data preparation", "preprocessing and quality checks", program,
           "`image.size`, `image.fit`, `enhance.method`, `data.check_images`, `data.strict`; warnings in "
           "report.html"},
          {"8a", "Outcome", "what is predicted, when and how it was assessed", partly,
           "what counts as a lesion or label: `data.boxes`, `data.box_class`, `data.label_columns`"},
          {"8b", "Outcome", "who assessed it", authors, ""},
          {"8c", "Outcome", "blinding of its assessment", authors, ""},
          {"9a", "Predictors", "how chosen before modelling", program,
           "none are: the model reads the film's pixels alone"},
          {"9b", "Predictors", "how defined and measured", partly,
           "pixels after `image.size`, `image.fit`, `enhance.method`"},
          {"9c", "Predictors", "who assessed them, where that is subjective", program,
           "nobody: pixels are read by the program"},
          {"10",
           "Sample size",
           "how arrived at, whether enough",
           partly,
           "`cawe plan power`: test films, lesions and seeds that a comparison needs, from the variances of "
           "an "
           "earlier "
           "study's `methods.csv`; the difference that 80 of 100 such studies would show, in report.html",
           {"test films", "patients", "groups of films", "lesions"}},
          {"11", "Missing data", "how handled, what was left out and why", partly,
           "`data.uncertain`, `data.blank`; report.html (Films of each fold, warnings), `films_flow.csv`"},
          {"12a",
           "Analysis",
           "how the data were used and partitioned",
           program,
           "report.html (split; Films of each fold), `split.csv` of each run, `data.split`, "
           "`data.split_unit`, "
           "`data.test`, `data.val`",
           {"split"}},
          {"12b", "Analysis", "how predictors were handled: scale, transformation", program,
           "`image.size`, `image.fit`, `enhance.method`, `train.augment`"},
          {"12c", "Analysis", "kind of model, building steps, tuning, internal validation", program,
           "`recipe.toml`: groups model, train and detect; `train.select`; docs/models"},
          {"12d", "Analysis", "differences between clusters, such as hospitals", partly,
           "results by subgroup in report.html; films of another source (`extra`)"},
          {"12e",
           "Analysis",
           "measures and plots of performance; comparison of models",
           program,
           "report.html: FROC with its rule, further figures, paired differences, figure 5 (calibration); "
           "`methods.csv` (mixed model of seeds and the films' units, Holm), `same_system.csv` (A/A rows)",
           {"FROC rule", "seeds"}},
          {"12f", "Analysis", "updating of the model after evaluation", program,
           "none: a tested model is not changed"},
          {"12g", "Analysis", "how predictions were calculated", program,
           "`cawe detect` with the run's checkpoint; `detections.csv`, `detections.films.csv`"},
          {"13", "Class imbalance", "methods, why, recalibration", program,
           "`train.pos_weight`, `model.focal_alpha`, `rpn.positive`, `roi.positive`; scores are not "
           "recalibrated"},
          {"14", "Fairness", "what was done for it, and why", authors, ""},
          {"15", "Model output", "what it is; thresholds and how they were found", partly,
           "boxes with a score, or a probability for each label; `detect.score_threshold`; in `results.json` "
           "the "
           "threshold of every point, and what one that was fixed on validation films gives (at_threshold)"},
          {"16", "Training and evaluation", "how their data differ", authors, ""},
          {"17", "Ethics", "approval and consent", authors, ""},
          {"18a", "Funding", "sources and role of funders", authors, ""},
          {"18b", "Conflicts of interest", "of all authors", authors, ""},
          {"18c", "Protocol", "where it is", authors, ""},
          {"18d", "Registration", "register and number, or that there is none", authors, ""},
          {"18e", "Data sharing", "availability of the data", authors, ""},
          {"18f",
           "Code sharing",
           "availability of the analysis code",
           program,
           "Apache-2.0; revision in `environment.json`, command line and recipe in report.html (Provenance)",
           {"revision", "command_line"}},
          {"19", "Patients and public", "their involvement, or that there was none", authors, ""},
          {"20a",
           "Participants",
           "flow; numbers with and without the outcome",
           partly,
           "report.html (Films of each fold, figure Film flow), `films_flow.csv`: found, rejected and why, "
           "without box "
           "annotation, in each fold with and without a lesion; `split.csv` of each run",
           {"test films", "patients", "groups of films", "lesions", "films without a lesion"}},
          {"20b", "Participants", "characteristics, overall and by source", partly,
           "sex, age and view of each fold: report.html (Films of each fold), `films_flow.csv` "
           "(`data.sex_column`, "
           "`data.age_column`, `data.view_column`)"},
          {"20c", "Participants", "evaluation data compared with those of development", partly,
           "films, lesions, sex, age and view fold by fold: report.html (Films of each fold), "
           "`films_flow.csv`"},
          {"21", "Model development", "participants and outcomes in each analysis", partly,
           "`films_flow.csv`, `split.csv` of each run; counts in `results.json`"},
          {"22", "Model specification", "the full model, so that others can predict with it", program,
           "the checkpoint in each run holds network, settings and the chain behind it; `recipe.toml`"},
          {"23a", "Performance", "with intervals, in key subgroups", program,
           "report.html (results; subgroups; lesions by size and finding), `results.csv`, `lesions_by.csv`, "
           "`results.json`"},
          {"23b", "Performance", "differences between clusters", partly,
           "results by subgroup in report.html; films of another source (`extra`)"},
          {"24", "Updating", "the updated model and its performance", program,
           "none: a tested model is not changed"},
          {"25", "Interpretation", "of the results, with fairness and earlier studies", authors, ""},
          {"26", "Limitations", "and their effects", authors, ""},
          {"27a", "Usability", "poor or missing input", partly,
           "damaged or unreadable films are refused with a reason (`rejected.csv` of `cawe detect`)"},
          {"27b", "Usability", "what users have to do, and their expertise", authors, ""},
          {"27c", "Usability", "next steps of research", authors, ""},
      }};
}

}  // namespace cawe::report
