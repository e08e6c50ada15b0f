/* Scrolls the two notebooks of a pair (x.pytorch.ipynb, x.tensorflow.ipynb) together.
 *
 * A prebuilt ("federated") JupyterLab extension, written by hand: it needs three classes that
 * JupyterLab shares anyway, so there is nothing to bundle and no build. JupyterLab loads this file,
 * calls init with the packages it shares, then get for the module that package.json names.
 */
(() => {
  const COMMAND = "tandem-pair:scroll-together";
  const STORED = "tandem-pair:scroll-together"; // "off", or absent
  // Cells get their true height only as they come into view, and JupyterLab measures them up to a
  // second after a scroll: the notebook that follows is held in place until then.
  const SETTLE_MS = 2000;

  let shared;

  /** A package that JupyterLab shares; it is a singleton, so there is one version of it. */
  async function load(name) {
    const [provided] = Object.values(shared[name]);
    return (await provided.get())();
  }

  const isOn = () => localStorage.getItem(STORED) !== "off";

  /** Path of the other notebook of the pair; null where the name is not one of a pair. */
  function partnerPath(path) {
    const [, stem, framework] = /^(.*)\.(pytorch|tensorflow)\.ipynb$/.exec(path) ?? [];
    return stem ? `${stem}.${framework === "pytorch" ? "tensorflow" : "pytorch"}.ipynb` : null;
  }

  /** Where a cell begins, in pixels of the scrolled content; null where it takes no room. */
  function cellTop({ outerNode, viewModel }, cell, index) {
    if (viewModel.windowingActive) {
      return viewModel.paddingTop + viewModel.getSpan(index, index)[0]; // most are not in the page
    }
    if (!cell.isVisible) return null; // below a collapsed heading, or not rendered yet
    const { top } = cell.node.getBoundingClientRect();
    return top - outerNode.getBoundingClientRect().top + outerNode.scrollTop;
  }

  /** The sections of a notebook: one begins where a Markdown cell begins with a heading. */
  function sections(notebook) {
    return notebook.widgets.flatMap((cell, index) => {
      if (cell.model.type !== "markdown") return [];
      const heading = /^#{1,6} .*/.exec(cell.model.sharedModel.getSource())?.[0];
      const top = heading ? cellTop(notebook, cell, index) : null;
      return top === null ? [] : [{ heading, top }];
    });
  }

  const scrollEnd = ({ scrollHeight, clientHeight }) => scrollHeight - clientHeight;

  /** Offsets that belong together, [in leader, in follower]: start, shared headings, end. */
  function anchors(leader, follower) {
    const end = scrollEnd(leader.outerNode);
    const pairs = [[0, 0]];
    let rest = sections(follower);
    for (const { heading, top } of sections(leader)) {
      const found = rest.findIndex((section) => section.heading === heading);
      if (found < 0 || top >= end) continue;
      pairs.push([top, rest[found].top]);
      rest = rest.slice(found + 1); // in order, so that a repeated heading meets its own repetition
    }
    return [...pairs, [end, scrollEnd(follower.outerNode)]];
  }

  /** Scroll the follower to the leader's section, and to the same share of it. */
  function align(leader, follower) {
    const pairs = anchors(leader, follower);
    const offset = Math.min(leader.outerNode.scrollTop, pairs.at(-1)[0]);
    const index = Math.max(0, pairs.findLastIndex(([top]) => top < offset));
    const [[from, fromFollower], [to, toFollower]] = pairs.slice(index, index + 2);
    const share = (offset - from) / (to - from || 1);
    const top = fromFollower + share * (toFollower - fromFollower);
    if (Math.abs(follower.outerNode.scrollTop - top) >= 1) follower.outerNode.scrollTop = top;
  }

  function activate(app, tracker, palette, CommandToolbarButton) {
    let leader = null; // panel of the last user input: scrolling it moves its partner, never back
    let frame = 0;
    let until = 0;

    function step(now) {
      frame = now < until ? requestAnimationFrame(step) : 0;
      if (!leader?.isVisible || !isOn()) return;
      const path = partnerPath(leader.context.path);
      const follower = tracker.find((panel) => panel.isVisible && panel.context.path === path);
      if (follower) align(leader.content, follower.content);
    }

    function follow() {
      until = performance.now() + SETTLE_MS;
      frame ||= requestAnimationFrame(step);
    }

    // On the document and while capturing: a scroll does not bubble, and notebooks stop some input.
    // Input outside of notebooks (table of contents, menu, palette) acts on the current one.
    for (const type of ["wheel", "keydown", "pointerdown"]) {
      const lead = ({ target }) => {
        leader = tracker.find((panel) => panel.node.contains(target)) ?? tracker.currentWidget;
      };
      document.addEventListener(type, lead, { capture: true, passive: true });
    }
    const scrolled = ({ target }) => target === leader?.content?.outerNode && follow();
    document.addEventListener("scroll", scrolled, { capture: true, passive: true });

    app.commands.addCommand(COMMAND, {
      label: "Scroll the pair together",
      caption: "Scroll the PyTorch and the TensorFlow notebook of a pair together",
      isToggled: isOn,
      execute: () => {
        if (isOn()) localStorage.setItem(STORED, "off");
        else localStorage.removeItem(STORED);
        app.commands.notifyCommandChanged(COMMAND);
        follow();
      },
    });
    palette?.addItem({ command: COMMAND, category: "Tandem" });
    // Another browser tab switched it.
    window.addEventListener("storage", () => app.commands.notifyCommandChanged(COMMAND));

    app.docRegistry.addWidgetExtension("Notebook", {
      createNew(panel, context) {
        if (!partnerPath(context.path)) return;
        const button = new CommandToolbarButton({
          commands: app.commands,
          id: COMMAND,
          label: "Scroll together",
          noFocusOnClick: true, // as its neighbours; without it JupyterLab 4.4 obeys Enter twice
        });
        panel.toolbar.insertItem(10, "tandem-pair", button);
        return button;
      },
    });
  }

  async function extension() {
    const [{ INotebookTracker }, { ICommandPalette }, { CommandToolbarButton }] = await Promise.all(
      ["@jupyterlab/notebook", "@jupyterlab/apputils", "@jupyterlab/ui-components"].map(load),
    );
    return {
      id: "tandem-pair:plugin",
      autoStart: true,
      requires: [INotebookTracker],
      optional: [ICommandPalette],
      activate: (app, tracker, palette) => activate(app, tracker, palette, CommandToolbarButton),
    };
  }

  (window._JUPYTERLAB ??= {})["tandem-pair"] = {
    init: (scope) => {
      shared = scope;
    },
    get: async () => {
      const plugin = await extension();
      return () => ({ __esModule: true, default: plugin });
    },
  };
})();
