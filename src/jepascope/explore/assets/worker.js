/* What a worker answers; nothing of it runs in the page itself, which has no messages of its own. */

const TASKS = {
  hold: (study, scene, arrays) => study.hold(scene, arrays),
  read: (study, asked) => study.read(asked),
  brief: (study, asked) => study.read(asked, true),
  forecast: (study, asked) => study.forecast(asked),
  lend: (study, clip) => study.lend(clip),
  borrow: (study, clip, states) => study.borrow(clip, states),
  states: (study, asked) => study.edited(asked).states,
};

function serve(scope) {
  let study = null;
  scope.onmessage = ({ data: { id, task, given } }) => {
    try {
      if (task === "start") study = new Study(...given);
      const value = task === "start" ? null : TASKS[task](study, ...given);
      scope.postMessage({ id, value });
    } catch (error) {
      scope.postMessage({ id, error: String(error?.message ?? error) });
    }
  };
}

if (typeof WorkerGlobalScope !== "undefined") serve(self);
